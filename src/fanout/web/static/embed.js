// The one tag that puts a room's window on anybody's page:
//   <script async src="https://HOST/embed.js" data-room="ROOM"></script>
// What it does is in window.js; here the tag only becomes the window, with its data- attributes.
"use strict";
{
  const tag = document.currentScript;
  const { origin } = new URL(tag.src);
  const place = document.createElement("fanout-window");
  for (const { name, value } of tag.attributes) if (name.startsWith("data-")) place.setAttribute(name.slice(5), value);
  place.setAttribute("origin", origin);
  tag.after(place);
  import(`${origin}/window.js`);
}
