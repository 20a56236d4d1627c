/** Draws the frame of the film over the picture: its outline, and a shade outside. */

import { type Pose, shorterTurn } from "./camera";
import { outlineOnSphere, outlinesOnFlat, type Point } from "./frame";
import type { Lens } from "../drawing/geometry";
import type { Overlay } from "../drawing/viewer";
import { byId, make } from "../page/dom";
import type { State } from "../state";

export interface Frame {
  readonly pose: Pose;
  readonly ratio: number; // width by height
  readonly shade: number; // of what is outside, 0 to 1
  readonly note?: string; // over the view
}

const LOOKS = 12; // for the frame, along each side of the view

export class FrameOverlay implements Overlay {
  private readonly canvas = make("canvas", { className: "film-frame" });

  /** `find` says what to draw over the pane; null for nothing. */
  constructor(
    pane: HTMLElement,
    private readonly find: (lens: Lens, time_s: number, state: State) => Frame | null,
  ) {
    pane.append(this.canvas);
  }

  draw(lens: Lens, time_s: number, state: State): void {
    const frame = this.find(lens, time_s, state);
    const values = frame && [frame.pose.yaw_deg, frame.pose.pitch_deg, frame.pose.fov_deg];
    byId("stage").dataset.film = values ? values.map((value) => value.toFixed(3)).join(",") : "";
    this.canvas.hidden = !frame;
    const context = this.canvas.getContext("2d");
    const isSeen = frame && context ? drawFrame(context, frame, lens) : false;
    const note = frame && (isSeen ? frame.note : `The film looks ${wayTo(frame.pose, state)}`);
    byId("film-note").hidden = !note;
    byId("film-note").textContent = note ?? "";
  }
}

/** Draw the frame; where it is outside the view, draw nothing, and return false. */
function drawFrame(context: CanvasRenderingContext2D, { pose, ratio, shade }: Frame, lens: Lens): boolean {
  const { clientWidth: width, clientHeight: height } = context.canvas;
  const scale = window.devicePixelRatio;
  [context.canvas.width, context.canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
  const outlines = lens.flat
    ? outlinesOnFlat(pose, ratio, lens, width, height)
    : [outlineOnSphere(pose, ratio, lens, width, height)];
  const inside = pathOf(outlines.map(({ area }) => area));
  if (!lens.flat && !isInView(context, inside, width, height)) return false;
  context.scale(scale, scale);
  const picture = lens.flat ? { width: width * lens.flatScale[0], height: height * lens.flatScale[1] } : { width, height };
  context.beginPath();
  context.rect((width - picture.width) / 2, (height - picture.height) / 2, picture.width, picture.height);
  context.clip();
  const outside = new Path2D(inside);
  outside.rect(0, 0, width, height);
  context.fillStyle = `rgb(6 8 11 / ${shade})`;
  context.fill(outside, "evenodd");
  const border = pathOf(outlines.map(({ line }) => line));
  for (const [colour, line] of [["#06080b", 4], ["#ffffff", 2]] as const) {
    [context.strokeStyle, context.lineWidth] = [colour, line];
    context.stroke(border);
  }
  return true;
}

function isInView(context: CanvasRenderingContext2D, inside: Path2D, width: number, height: number): boolean {
  const shares = Array.from({ length: LOOKS + 1 }, (_, i) => i / LOOKS);
  return shares.some((x) => shares.some((y) => context.isPointInPath(inside, x * width, y * height)));
}

/** Which way to turn the view to see a pose. */
function wayTo(pose: Pose, state: State): string {
  const [right, up] = [shorterTurn(state.yaw_deg, pose.yaw_deg), pose.pitch_deg - state.pitch_deg];
  if (Math.abs(up) > Math.abs(right)) return `${Math.round(Math.abs(up))}° further ${up > 0 ? "up" : "down"}`;
  return `${Math.round(Math.abs(right))}° to the ${right > 0 ? "right" : "left"}`;
}

function pathOf(lines: readonly (readonly Point[])[]): Path2D {
  const path = new Path2D();
  for (const points of lines) points.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
  return path;
}
