// Signing in with a token that is pasted. With a link: staff.js, on every page for staff.

import { signIn, whyNotIn } from "./staff.js";

const form = document.getElementById("sign-in");
const refusal = form.querySelector(".refusal");

async function paste(token) {
  refusal.textContent = "";
  try {
    await signIn(token);
  } catch (error) {
    refusal.textContent = whyNotIn(error);
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  paste(form.elements.token.value.trim());
});
