/** Turning and zooming the view with mouse, wheel, touch and keys. */

import type { Direction } from "../drawing/geometry";
import type { Store } from "../state";

/** What is under a pointer. */
export interface Sight {
  readonly height: number; // of a view, in pixels of the page
  directionUnder(event: MouseEvent): Direction | null; // null outside the picture
}

export const ZOOM_STEP = 1.15;
const TURN_DEG = 5;

export function zoom(store: Store, factor: number): void {
  store.set({ fov_deg: store.state.fov_deg * factor });
}

/** `onPoint` gets the direction under the pointer, or null outside the view. */
export function listenToPointers(
  stage: HTMLElement,
  store: Store,
  sight: Sight,
  onPoint: (direction: Direction | null) => void,
): void {
  const pointers = new Map<number, { x: number; y: number }>();

  stage.addEventListener("pointerdown", (event) => {
    if ((event.target as Element).closest("button")) return;
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    onPoint(sight.directionUnder(event));
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) zoom(store, distance(before, other) / Math.max(distance(now, other), 1));
    else drag(store, sight.height, now.x - before.x, now.y - before.y);
    pointers.set(event.pointerId, now);
  });
  for (const end of ["pointerup", "pointercancel"] as const) {
    stage.addEventListener(end, (event) => pointers.delete(event.pointerId));
  }
  stage.addEventListener("pointerleave", () => onPoint(null));
  stage.addEventListener("wheel", (event) => wheel(event, store), { passive: false });
  stage.addEventListener("dblclick", (event) => {
    const direction = sight.directionUnder(event);
    if (direction && !(event.target as Element).closest("button")) store.set({ projection: "sphere", ...direction });
  });
}

function wheel(event: WheelEvent, store: Store): void {
  if (store.state.projection === "flat" || event.ctrlKey) return; // Ctrl and wheel zoom the page
  event.preventDefault();
  zoom(store, ZOOM_STEP ** Math.sign(event.deltaY));
}

function drag(store: Store, height: number, right: number, down: number): void {
  const { state } = store;
  if (state.projection === "flat") return;
  const pixel_deg = state.fov_deg / height;
  store.set({ yaw_deg: state.yaw_deg - right * pixel_deg, pitch_deg: state.pitch_deg + down * pixel_deg });
}

function distance(a: { x: number; y: number }, b: { x: number; y: number }): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

/** Turn the view by steps that are smaller when it is zoomed in. */
export function turn(store: Store, right: number, up: number): void {
  const step_deg = (TURN_DEG * store.state.fov_deg) / 75;
  store.set({ yaw_deg: store.state.yaw_deg + right * step_deg, pitch_deg: store.state.pitch_deg + up * step_deg });
}
