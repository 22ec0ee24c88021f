// Asks before something is done that everybody would notice. The dialog is the page's own, with Cancel in focus.

let before = Promise.resolve(); // the last question's answer, which comes a moment after the dialog is gone

/** Whether somebody said yes. `grave`: it can't be undone. */
export function confirmed(...question) {
  return (before = before.then(() => asked(...question)));
}

function asked(title, text, yes, grave = false) {
  const dialog = document.getElementById("confirm");
  dialog.querySelector("h2").textContent = title;
  dialog.querySelector("p").textContent = text;
  dialog.querySelector("[value=yes]").textContent = yes;
  dialog.querySelector("[value=yes]").classList.toggle("grave", grave);
  dialog.returnValue = "";
  dialog.showModal();
  dialog.querySelector("[value=no]").focus();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}
