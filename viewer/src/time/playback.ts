/** The video, or the photo, as a source of frames: each frame comes with its exact time. */

import type { Media } from "../scene.gen";

export type Picture = VideoFrame | HTMLVideoElement | HTMLImageElement;

export interface Frame {
  readonly picture: Picture;
  readonly width: number;
  readonly height: number;
  readonly time_s: number; // since the first frame
}

/** Called with each new frame that is on screen. The picture is only valid during the call. */
export type FrameListener = (frame: Frame) => void;

/** What the controls of time need of a video, or of a photo with a viewing time. */
export type Player = Pick<Video, "duration_s" | "playing" | "seek" | "play" | "pause" | "set" | "onPlaying">;

export async function openPhoto(media: Media): Promise<Frame> {
  const image = new Image();
  image.src = media.file;
  try {
    await image.decode();
  } catch {
    throw new Error(`The photo ${media.name} cannot be loaded. Is atsal view still running?`);
  }
  return { picture: image, width: image.naturalWidth, height: image.naturalHeight, time_s: 0 };
}

/** The address of a video in which the browser can seek: some web servers only give whole files. */
async function seekable({ file, name }: Media): Promise<string> {
  if (file.startsWith("blob:")) return file;
  const answer = await fetch(file, { headers: { Range: "bytes=0-0" } }).catch(() => null);
  if (!answer?.ok) throw new Error(`${name} cannot be loaded. Is atsal view still running?`);
  return answer.status === 206 ? file : URL.createObjectURL(await answer.blob());
}

export class Video {
  private readonly element = document.createElement("video");
  private zero_s: number | null = null; // the player's time of the first frame
  private onFirst = (): void => undefined;
  private wanted_s: number | null = null; // where to go when the seek that is running is done
  private resting_s = 0;

  constructor(
    private readonly media: Media,
    private readonly onFrame: FrameListener,
  ) {
    this.element.preload = "auto";
    this.element.playsInline = true;
    this.element.addEventListener("seeked", () => this.seekAgain());
    this.listen();
  }

  /** Open the file of `media`; resolves when its first frame is there. Rejects with a message for people. */
  async load(): Promise<void> {
    const address = await seekable(this.media);
    return new Promise((resolve, reject) => {
      this.element.onerror = () => reject(new Error(this.problem()));
      this.onFirst = resolve;
      this.zero_s = this.wanted_s = null;
      this.element.src = address;
    });
  }

  private problem(): string {
    const { code } = this.element.error ?? { code: 0 };
    if (code === MediaError.MEDIA_ERR_NETWORK) return `${this.media.name} cannot be loaded. Is atsal view still running?`;
    if (!this.media.codec) {
      return (
        `This browser cannot play ${this.media.name}: the file is damaged, or the browser does not know its codec. ` +
        "Try a copy in H.264, which atsal view --proxy makes too."
      );
    }
    return (
      `This browser cannot play ${this.media.name} (codec ${this.media.codec}). ` +
      "Run atsal view again with --proxy: it shows a copy in H.264. Or try another browser."
    );
  }

  /** Pass on each frame. A `VideoFrame` knows its own time; without it, the frame callback does. */
  private listen(): void {
    const next = (time_s: number): void => {
      // The callback may come before the element says that it has the frame.
      if (this.hasFrame) this.emit(time_s);
      else this.element.addEventListener(this.element.seeking ? "seeked" : "loadeddata", () => this.repeat(), { once: true });
      this.listen();
    };
    if ("requestVideoFrameCallback" in this.element) {
      this.element.requestVideoFrameCallback((_now, metadata) => next(metadata.mediaTime));
    } else {
      this.pollFrames(next);
    }
  }

  private pollFrames(next: (time_s: number) => void): void {
    const element = this.element as HTMLVideoElement; // older browsers: the clock of the player is all there is
    const ready = this.hasFrame && !element.seeking;
    if (ready && (this.zero_s === null || element.currentTime !== this.resting_s)) {
      this.resting_s = element.currentTime;
      next(element.currentTime);
    } else {
      requestAnimationFrame(() => this.pollFrames(next));
    }
  }

  private get hasFrame(): boolean {
    return this.element.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
  }

  private emit(time_s: number): void {
    const frame = "VideoFrame" in window ? new VideoFrame(this.element) : null;
    const shown_s = frame ? frame.timestamp / 1e6 : time_s;
    this.zero_s ??= shown_s;
    const { videoWidth: width, videoHeight: height } = this.element;
    this.onFrame({ picture: frame ?? this.element, width, height, time_s: shown_s - this.zero_s });
    frame?.close();
    this.onFirst();
  }

  get duration_s(): number {
    return this.media.duration_s || this.element.duration || 0;
  }

  get playing(): boolean {
    return !this.element.paused;
  }

  /** Pass on the frame that is on screen once more. */
  repeat(): void {
    this.emit(this.element.currentTime);
  }

  /** Show the frame at a time. While a seek runs, only the last wish counts. */
  seek(time_s: number): void {
    const last_s = Math.max(0, this.duration_s - 0.25 / (this.media.frame_rate || 30));
    this.wanted_s = Math.min(Math.max(time_s, 0), last_s) + (this.zero_s ?? 0);
    if (!this.element.seeking) this.seekAgain();
  }

  private seekAgain(): void {
    if (this.wanted_s === null) return;
    this.element.currentTime = this.wanted_s;
    this.wanted_s = null;
  }

  async play(): Promise<void> {
    await this.element.play();
  }

  pause(): void {
    this.element.pause();
  }

  set(options: { speed: number; loop: boolean; sound: boolean }): void {
    this.element.playbackRate = this.element.defaultPlaybackRate = options.speed;
    this.element.loop = options.loop;
    this.element.muted = !options.sound;
  }

  /** Call `listener` when playing starts or stops. */
  onPlaying(listener: (playing: boolean) => void): void {
    for (const event of ["play", "pause", "ended"]) {
      this.element.addEventListener(event, () => listener(this.playing));
    }
  }
}
