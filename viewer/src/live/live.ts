/** The page that predicts: people drop a video or photo on it, and the network runs in a worker. */

import type { Page } from "../main";
import { announce, byId } from "../page/dom";
import { hideMessage, showMessage } from "../page/messages";
import type { Live, Media } from "../scene.gen";
import { type Frame, openPhoto, Video } from "../time/playback";
import { Transport } from "../time/transport";
import { describeFile, listenToFiles, sphereProblem } from "./files";
import { LiveMaps } from "./live_maps";
import type { Found } from "./messages";
import { Pace } from "./pace";
import { Predictor } from "./predictor";
import { makeReport, type Progress } from "./report";

const WELCOME = "Drop a 360° video or photo here, or choose one. The maps are computed in this page: nothing is uploaded.";
const MOST_THREADS = 4;
const OTHER_CORES = 1; // for the video and the drawing; two threads on two cores are slower than one
const RUNTIME = { runtime: "live/onnxruntime.gzip", runtime_script: "live/wasm.worker.js" };

/** Make the page; `makePage` makes the parts that every page has. */
export function openLive(live: Live, makePage: (maps: LiveMaps) => Page): Page {
  const maps = new LiveMaps();
  const page = makePage(maps);
  new LivePage(page, live, maps);
  showMessage(WELCOME);
  return page;
}

class LivePage {
  private readonly media: { -readonly [K in keyof Media]: Media[K] };
  private readonly threads = window.crossOriginIsolated ? threadCount() : 1;
  private readonly video: Video;
  private readonly transport: Transport;
  private readonly predictor: Predictor;
  private readonly pace: Pace;
  private ready = false;
  private problem: string | null = null;
  private shown: Media["kind"] | null = null; // what is on screen
  private photo: Frame | null = null;
  private opened = 0;

  constructor(
    private readonly page: Page,
    live: Live,
    private readonly maps: LiveMaps,
  ) {
    const { scene, store, viewer } = page;
    this.media = scene.media; // all parts of the page read it from there, so it changes in place
    this.video = new Video(scene.media, (frame) => this.showFrame(frame));
    this.transport = new Transport(scene, store, viewer, this.video, showMessage);
    this.pace = new Pace(viewer, page.painter, () => this.showTime());
    this.video.onPlaying((playing) => {
      maps.moving = playing;
      this.predictor.restartRate();
      this.setPace();
    });
    this.predictor = new Predictor({ ...live, ...addresses(live), threads: this.threads }, live.photo_s, {
      onReady: () => (this.ready = true),
      onFound: (found) => this.take(found),
      onFailed: (problem) => this.fail(problem),
    });
    this.showKind(null);
    makeReport(maps, () => this.progress(), () => this.toggle());
    listenToFiles((file) => void this.open(file));
  }

  /** Show another file; of several that are opened at once, the last. */
  private async open(file: File): Promise<void> {
    const opening = ++this.opened;
    this.video.pause();
    try {
      const media = describeFile(file);
      this.begin(media);
      showMessage(`Opening ${media.name}…`);
      await (media.kind === "image" ? this.openPhoto() : this.video.load());
      if (opening === this.opened) this.finish();
    } catch (error) {
      if (opening === this.opened) showMessage((error as Error).message);
    }
  }

  private begin(media: Media): void {
    URL.revokeObjectURL(this.media.file);
    Object.assign(this.media, media);
    byId("title").textContent = document.title = media.name;
    this.photo = null;
    this.maps.clear();
    this.predictor.begin();
    this.pace.drop();
    this.page.painter.setMedia(media);
    this.showKind(null);
  }

  private async openPhoto(): Promise<void> {
    const photo = await openPhoto(this.media).catch(() => null);
    if (!photo) throw new Error(`${this.media.name} cannot be opened: it is damaged, or the browser does not know its format.`);
    this.photo = photo;
    this.showFrame(photo);
  }

  private finish(): void {
    const { name, kind, width, height } = this.media;
    const problem = sphereProblem(name, width, height);
    if (problem) throw new Error(problem);
    this.showKind(kind);
    hideMessage();
    if (kind === "image") return;
    this.transport.showLength();
    this.transport.showTime();
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) this.transport.toggle();
  }

  private showFrame(frame: Frame): void {
    const isPhoto = frame === this.photo;
    if (isPhoto !== (this.media.kind === "image")) return; // of the file before
    [this.media.width, this.media.height] = [frame.width, frame.height];
    if (sphereProblem("", frame.width, frame.height)) return;
    this.maps.noteTime(frame.time_s);
    if (this.maps.running) void this.predictor.offer(frame, isPhoto);
    this.pace.show(frame);
  }

  private showTime(): void {
    if (!this.photo) this.transport.showTime();
  }

  private take(found: Found): void {
    this.maps.put(found);
    if (!this.pace.saves) return;
    this.pace.hurry();
    this.video.repeat();
  }

  private setPace(): void {
    const saved = this.pace.saves;
    this.pace.predicting = this.maps.running && this.maps.moving;
    if (saved && !this.pace.saves) this.video.repeat(); // in full, with the frames that were left out
    else this.page.viewer.drawSoon();
  }

  /** Stop or start the prediction. */
  private toggle(): void {
    this.maps.running = !this.maps.running;
    if (!this.maps.running) this.predictor.stop();
    else if (this.photo) this.showFrame(this.photo);
    else if (this.shown) this.video.repeat();
    this.setPace();
  }

  private fail(problem: string): void {
    this.problem = `The prediction stopped: ${problem}. Reload the page to try again.`;
    this.maps.running = false;
    if (this.shown) announce(this.problem);
    else showMessage(this.problem);
    this.setPace();
  }

  private showKind(kind: Media["kind"] | null): void {
    this.shown = kind;
    this.page.transport = kind === "video" ? this.transport : null; // the keys of time
    document.body.classList.toggle("image", kind !== "video");
    document.body.classList.toggle("empty", kind === null);
  }

  private progress(): Progress {
    const { problem, ready, shown: kind, threads } = this;
    return { problem, ready, kind, threads, time_s: this.page.viewer.time_s, rate: this.predictor.rate };
  }
}

function threadCount(): number {
  return Math.min(Math.max(navigator.hardwareConcurrency - OTHER_CORES, 1), MOST_THREADS);
}

function addresses({ network }: Live): { network: string; runtime: string; runtime_script: string } {
  const absolute = (file: string): string => new URL(file, document.baseURI).href;
  const { runtime, runtime_script } = RUNTIME;
  return { network: absolute(network), runtime: absolute(runtime), runtime_script: absolute(runtime_script) };
}
