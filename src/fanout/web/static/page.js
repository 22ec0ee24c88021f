// The rooms and one room, live. What people wrote is only ever set as text, never as markup.
"use strict";
{
  const page = document.body.dataset;
  const number = new Intl.NumberFormat(document.documentElement.lang);
  const clock = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "medium" });
  const figure = (name, within = document) => within.querySelector(`[data-figure="${name}"]`);
  const seconds = (value) =>
    value === null ? page.sayOver ?? "> 10 s" : value < 1 ? `${number.format(value * 1000)} ms` : `${number.format(value)} s`;

  function showDelivery(delivery) {
    figure("count").textContent = number.format(delivery.count);
    for (const name of ["p50", "p99"]) figure(name).textContent = delivery.count ? seconds(delivery[name]) : "–";
  }

  // Asks again and again while somebody looks; `wanted` says whether there is a reason to.
  function poll(address, everyMs, wanted, show) {
    const again = async () => {
      if (!document.hidden && wanted()) {
        try {
          const response = await fetch(address);
          if (response.ok) show(await response.json());
        } catch { /* the next time */ }
      }
      setTimeout(again, everyMs * (0.9 + 0.2 * Math.random()));
    };
    again();
  }

  if (page.page === "rooms") {
    poll("/v1/rooms", 5000, () => true, ({ rooms }) => {
      let total = 0;
      for (const room of rooms) {
        total += room.listeners;
        const line = document.querySelector(`[data-room="${CSS.escape(room.name)}"]`);
        if (line) figure("listeners", line).textContent = number.format(room.listeners);
      }
      document.querySelector("main > .figures [data-figure=listeners]").textContent = number.format(total);
      if (rooms.length) showDelivery(rooms[0].delivery_seconds);
    });
  }

  if (page.page === "room") {
    const SHOWN = 200; // messages kept on the page; the history has the others
    const REPLAYED = 30; // messages to begin with
    const LONGEST_WAIT_MS = 30000;
    const address = `/v1/rooms/${encodeURIComponent(page.room)}`;
    const [state, tail, pause, listeners, messages, figures] = ["state", "tail", "pause", "listeners", "messages", "figures"]
      .map((id) => document.getElementById(id));
    let position = null;
    let attempts = 0;
    let waiting = []; // what came while paused, or since the last frame was drawn
    let paused = false;
    let drawing = false;
    let now = ["", page.sayConnecting];

    function element(name, className, text) {
      const made = document.createElement(name);
      if (className) made.className = className;
      if (text !== undefined) made.textContent = text;
      return made;
    }

    function tell(name, text) {
      now = [name, text];
      state.dataset.state = paused ? "paused" : name;
      const shown = paused ? page.sayPaused : text;
      if (state.textContent !== shown) state.textContent = shown;
    }

    function asLine(entry) {
      const line = element("li");
      if (entry.type === "gap") {
        line.className = "gap";
        line.textContent = entry.missed ? page.sayGap.replace("{count}", number.format(entry.missed)) : page.sayGapUnknown;
        return line;
      }
      line.dataset.id = entry.id;
      line.dataset.kind = entry.kind;
      const by = element("p", "by");
      if (entry.author.name) by.append(element("strong", "", entry.author.name));
      const kind = { question: page.sayQuestion, answer: page.sayAnswer }[entry.kind];
      if (kind) by.append(element("span", "kind", kind));
      const time = element("time", "", clock.format(new Date(entry.at)));
      time.dateTime = entry.at;
      by.append(time);
      line.append(by, element("p", "text", entry.text));
      if (entry.retracted) takeBack(line);
      return line;
    }

    function takeBack(line) {
      line.classList.add("gone");
      line.querySelector(".text").textContent = page.sayRetracted;
      line.querySelector("strong")?.remove();
    }

    // Draws at most once a frame, so that a fast room costs no more than a slow one.
    function draw() {
      drawing = false;
      if (paused) {
        pause.textContent = `${page.sayResume} (${page.sayWaiting.replace("{count}", number.format(waiting.length))})`;
        return;
      }
      if (waiting.length) tail.querySelector(".empty")?.remove();
      const fresh = document.createDocumentFragment();
      for (const entry of waiting.splice(0)) {
        const line = asLine(entry);
        if (tail.children.length) line.classList.add("fresh"); // what was there before us does not arrive
        fresh.prepend(line);
      }
      tail.prepend(fresh);
      while (tail.children.length > SHOWN) tail.lastElementChild.remove();
    }

    function take(event) {
      const entry = JSON.parse(event.data);
      position = event.lastEventId || position;
      if (position) messages.textContent = number.format(Number(position.split(":")[1]));
      if (entry.type === "retraction") { // at once, paused or not
        for (const held of waiting) if (held.id === entry.target) Object.assign(held, { text: "", author: {}, retracted: true });
        for (const line of tail.children) if (line.dataset.id === entry.target) takeBack(line);
        return;
      }
      waiting.push(entry);
      if (waiting.length > SHOWN) waiting.shift();
      if (!drawing) {
        drawing = true;
        if (document.hidden) setTimeout(draw, 1000);
        else requestAnimationFrame(draw);
      }
    }

    function listen() {
      const source = new EventSource(`${address}/events?${position ? `after=${encodeURIComponent(position)}` : `last=${REPLAYED}`}`);
      let left = false;
      const comeBack = (afterMs) => {
        left = true;
        source.close();
        setTimeout(listen, afterMs);
      };
      source.onopen = () => {
        attempts = 0;
        tell("live", page.sayLive);
        setTimeout(() => { if (!tail.children.length) tail.append(element("li", "empty", page.sayEmpty)); }, 1000);
      };
      source.onerror = (event) => {
        if (left || event.data !== undefined) return; // an "error" event of the server's, not the connection's
        tell("lost", page.sayReconnecting);
        if (source.readyState === EventSource.CLOSED) {
          attempts += 1;
          comeBack(Math.random() * Math.min(LONGEST_WAIT_MS, 1000 * 2 ** attempts));
        }
      };
      for (const type of ["message", "retraction", "gap"]) source.addEventListener(type, take);
      source.addEventListener("presence", (event) => {
        listeners.textContent = number.format(JSON.parse(event.data).listeners);
      });
      source.addEventListener("bye", (event) => {
        const bye = JSON.parse(event.data);
        if (bye.reconnect) {
          tell("lost", page.sayMoved);
          comeBack(bye.after_ms ?? 1000);
        } else {
          left = true;
          source.close();
          tell("lost", page.sayEnded.replace("{reason}", bye.reason));
        }
      });
    }

    pause.addEventListener("click", () => {
      paused = !paused;
      pause.setAttribute("aria-pressed", String(paused));
      pause.textContent = paused ? page.sayResume : page.sayPause;
      tell(...now);
      if (!paused) draw();
    });

    figures.open = figures.open || location.hash === "#figures";
    poll(address, 2000, () => figures.open, (room) => {
      showDelivery(room.delivery_seconds);
      listeners.textContent = number.format(room.listeners);
    });
    figures.addEventListener("toggle", () => {
      if (figures.open) fetch(address).then((response) => response.json()).then((room) => showDelivery(room.delivery_seconds), () => {});
    });
    listen();
  }
}
