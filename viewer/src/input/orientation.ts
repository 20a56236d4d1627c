/** The view follows the phone: where its back points is where the view looks. */

import type { Direction, Vector } from "../drawing/geometry";
import { announce, byId } from "../page/dom";
import type { Store } from "../state";

type Permission = { requestPermission?: () => Promise<"granted" | "denied"> }; // iOS asks

const RADIAN = Math.PI / 180;
const FIRST_EVENT_MS = 1500;
const EXPLAINED_MS = 4000;

/**
 * The direction in which the back of a phone points, from the angles of a `DeviceOrientationEvent`.
 *
 * The angles turn the phone about its axes z, x, y in this order (https://www.w3.org/TR/orientation-event): from lying
 * on its back, top to the north. In the axes of the earth, x east, y north, z up, its back points to -R z. How the
 * screen is turned does not change where the back points: it only rolls the picture, which stays upright here.
 */
function phoneDirection(alpha_deg: number, beta_deg: number, gamma_deg: number): Direction {
  const [a, b, c] = [alpha_deg * RADIAN, beta_deg * RADIAN, gamma_deg * RADIAN];
  const back: Vector = [
    -(Math.cos(a) * Math.sin(c) + Math.sin(a) * Math.sin(b) * Math.cos(c)),
    -(Math.sin(a) * Math.sin(c) - Math.cos(a) * Math.sin(b) * Math.cos(c)),
    -Math.cos(b) * Math.cos(c),
  ];
  const pitch = Math.atan2(back[2], Math.hypot(back[0], back[1]));
  return { yaw_deg: Math.atan2(back[0], back[1]) / RADIAN, pitch_deg: pitch / RADIAN };
}

/** Show the button where a phone can turn the view, and do what it says. */
export function letPhoneTurn(store: Store): void {
  const isPhone = "DeviceOrientationEvent" in window && matchMedia("(any-pointer: coarse)").matches;
  byId("move-phone").hidden = !isPhone;
  if (isPhone) new PhoneControl(store);
}

class PhoneControl {
  private readonly button = byId<HTMLButtonElement>("move-phone");
  private readonly label = this.button.textContent;
  private before_deg: number | null = null; // the yaw of the phone at the event before
  private waiting = 0;
  private readonly listener = (event: DeviceOrientationEvent): void => this.follow(event);

  constructor(private readonly store: Store) {
    this.button.addEventListener("click", () => {
      if (this.button.ariaPressed === "true") this.stop();
      else void this.start();
    });
  }

  private async start(): Promise<void> {
    const { requestPermission } = DeviceOrientationEvent as unknown as Permission;
    const answer = await requestPermission?.().catch(() => "denied");
    if (answer === "denied") return this.explain("The browser does not tell how the phone is held");
    this.button.ariaPressed = "true";
    this.before_deg = null;
    window.addEventListener("deviceorientation", this.listener);
    this.waiting = window.setTimeout(() => {
      this.stop();
      this.explain("This device does not tell how it is held");
    }, FIRST_EVENT_MS);
  }

  private stop(): void {
    clearTimeout(this.waiting);
    window.removeEventListener("deviceorientation", this.listener);
    this.button.ariaPressed = "false";
  }

  private explain(text: string): void {
    announce(text);
    this.button.textContent = text;
    window.setTimeout(() => {
      this.button.textContent = this.label;
    }, EXPLAINED_MS);
  }

  /** Turn by as much as the phone turned, so that the view goes on from where it is, and dragging moves it on. */
  private follow({ alpha, beta, gamma }: DeviceOrientationEvent): void {
    if (alpha === null || beta === null || gamma === null) return; // a computer without sensors sends such events
    clearTimeout(this.waiting);
    const { yaw_deg, pitch_deg } = phoneDirection(alpha, beta, gamma);
    const turned_deg = this.before_deg === null ? 0 : yaw_deg - this.before_deg;
    this.before_deg = yaw_deg;
    this.store.set({ projection: "sphere", yaw_deg: this.store.state.yaw_deg + turned_deg, pitch_deg });
  }
}
