/** The token: asked for where the service needs one, and turned into a cookie for what sends no headers. */

import { byId } from "../page/dom";
import { ask, keepToken, ServiceError, token } from "./api";

export interface Session {
  readonly name: string;
  readonly scope: string;
}

/** Who we are to the service; asks for a token until the service knows us. */
export async function openSession(): Promise<Session> {
  for (;;) {
    try {
      const session = await ask<Session>("POST", "/v1/session");
      show(session);
      return session;
    } catch (error) {
      if (!(error instanceof ServiceError) || error.status !== 401) throw error;
      await askForToken(token() ? error.message : "");
    }
  }
}

/** Let the button open the dialog; `changed` is called with another token. */
export function bindTokenButton(changed: () => void): void {
  byId("token-open").onclick = () => void askForToken("").then(changed);
}

function show(session: Session): void {
  byId("token-open").hidden = !session.name; // none is needed
  byId("token-state").textContent = session.name;
  byId("token-open").title = `Token ${session.name}, scope ${session.scope}`;
}

/** Show the dialog until a token is given or forgotten. */
function askForToken(problem: string): Promise<void> {
  const dialog = byId<HTMLDialogElement>("token-dialog");
  const input = byId<HTMLInputElement>("token");
  const [form, forget, close] = [byId<HTMLFormElement>("token-form"), byId("token-forget"), byId("token-close")];
  showProblem(problem);
  input.value = "";
  forget.hidden = !token();
  const open = (): void => {
    dialog.showModal();
    input.focus();
  };
  Object.assign(byId("token-open"), { hidden: false, onclick: open }); // for whoever closes the dialog first
  open();
  return new Promise((resolve) => {
    const finish = (value: string): void => {
      keepToken(value);
      dialog.close();
      resolve();
    };
    form.onsubmit = (event) => {
      event.preventDefault();
      if (input.value.trim()) finish(input.value.trim());
      else showProblem("Enter a token.");
    };
    forget.onclick = () => finish("");
    close.onclick = () => dialog.close();
  });
}

function showProblem(text: string): void {
  byId("token-problem").textContent = text;
  byId("token-problem").hidden = !text;
}
