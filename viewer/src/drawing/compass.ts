/** The compass: which way the view looks, and how much of the circle it shows. */

import type { Lens } from "./geometry";
import { byId, signed } from "../page/dom";
import type { State } from "../state";

const RADIUS = 21;

export function drawCompass(state: State, lens: Lens): void {
  const half = Math.atan(lens.tangent[0]);
  const yaw = (state.yaw_deg * Math.PI) / 180;
  const [from, to] = [yaw - half, yaw + half].map((angle) => [RADIUS * Math.sin(angle), -RADIUS * Math.cos(angle)]);
  byId("compass-view").setAttribute("d", `M0 0L${from}A${RADIUS} ${RADIUS} 0 ${half > Math.PI / 2 ? 1 : 0} 1 ${to}Z`);
  byId("direction").textContent =
    state.projection === "flat"
      ? "whole sphere"
      : `yaw ${signed(state.yaw_deg)}° · pitch ${signed(state.pitch_deg)}° · view ${signed(state.fov_deg)}°`;
}
