/** Salient regions at a time, and their numbers in the view. */

import { regionColour } from "../drawing/colours";
import { type Direction, type Lens, project } from "../drawing/geometry";
import type { Overlay } from "../drawing/viewer";
import { lastAtOrBefore } from "./maps";
import { make } from "../page/dom";
import type { RegionTrack } from "../scene.gen";
import { type State, wrapDegrees } from "../state";

/** Where a region is at a time, between the times at which it was found; null while it is not there. */
export function regionAt(track: RegionTrack, time_s: number, step_s: number): Direction | null {
  const { times_s, yaw_deg, pitch_deg } = track;
  const index = lastAtOrBefore(times_s, time_s + 1e-6);
  const [start, yaw, pitch] = [times_s[index], yaw_deg[index], pitch_deg[index]];
  if (start === undefined || yaw === undefined || pitch === undefined) return null;
  const [end, nextYaw, nextPitch] = [times_s[index + 1], yaw_deg[index + 1], pitch_deg[index + 1]];
  if (end === undefined || nextYaw === undefined || nextPitch === undefined || end - start > step_s) {
    return time_s - start <= step_s ? { yaw_deg: yaw, pitch_deg: pitch } : null;
  }
  const share = (time_s - start) / (end - start);
  const turn = wrapDegrees(nextYaw - yaw);
  return { yaw_deg: wrapDegrees(yaw + share * turn), pitch_deg: pitch + share * (nextPitch - pitch) };
}

/** The times from which and to which a region is there without a gap. */
export function spans(track: RegionTrack, step_s: number): [number, number][] {
  const found: [number, number][] = [];
  for (const time_s of track.times_s) {
    const last = found[found.length - 1];
    if (last && time_s - last[1] <= step_s) last[1] = time_s;
    else found.push([time_s, time_s]);
  }
  return found;
}

/** The numbers over the view. */
export class RegionLabels implements Overlay {
  private readonly labels = new Map<RegionTrack, HTMLElement>();

  constructor(
    parent: HTMLElement,
    tracks: readonly RegionTrack[],
    private readonly step_s: number,
  ) {
    for (const track of tracks) {
      const label = make("span", { className: "region-label", textContent: `${track.id}`, hidden: true });
      label.style.setProperty("--region", regionColour(track.id));
      this.labels.set(track, label);
      parent.append(label);
    }
  }

  draw(lens: Lens, time_s: number, { layer, regions }: State): void {
    for (const [track, label] of this.labels) {
      const direction = layer && regions ? regionAt(track, time_s, this.step_s) : null;
      const place = direction && project(lens, direction);
      label.hidden = !place;
      if (!place) continue;
      label.style.left = `${50 + 50 * place.x}%`;
      label.style.top = `${50 - 50 * place.y}%`;
    }
  }
}
