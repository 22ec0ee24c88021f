// Signing in: with the token after # in the link, which the browser keeps to itself, or with one that is pasted.

import { ask } from "./staff.js";

const form = document.getElementById("sign-in");
const refusal = form.querySelector(".refusal");

async function signIn(token) {
  refusal.textContent = "";
  try {
    await ask("POST", "/v1/session", { token });
    location.reload();
  } catch (error) {
    refusal.textContent = error.message;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  signIn(form.elements.token.value.trim());
});

function byLink() {
  const linked = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!linked) return;
  history.replaceState(null, "", location.pathname + location.search); // out of sight, and out of the history
  signIn(linked);
}

addEventListener("hashchange", byLink);
byLink();
