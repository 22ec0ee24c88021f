// The JavaScript client of fanout. It follows rooms over a WebSocket, or over server-sent events where a WebSocket does
// not get through; it comes back by itself, where it was and when it should, and says what is missing. It needs nothing
// but a browser, touches neither the page nor any storage, and may be copied and used alone. docs/clients.md tells how.

const FIRST_WAIT_MS = 500; // the wait before coming back is random below a bound that begins here, doubles with each try
const LONGEST_WAIT_MS = 30000; // and ends here: as many come back after a break as left
const OPENS_WITHIN_MS = 8000; // a line that says nothing for so long at the beginning does not get through
const ANSWERS_WITHIN_MS = 10000; // one that does not answer a ping for so long is dead
const LOOKS_EVERY_MS = 5000; // at how long the line has been silent
const TYPED_FOR_MS = 30000; // what is being typed and not heard of again for so long is typed no more
const ENDS_FOR_GOOD = new Set([1002, 1003, 1007, 1009, 4001, 4003, 4004, 4009]);
const REFUSALS = { token_refused: 4001, banned: 4003, not_admitted: 4003, room_not_found: 4004 }; // of an event stream
const TYPES = ["welcome", "message", "retraction", "gap", "presence", "typing", "submission", "notice", "bye", "error"];

/** Why something was not taken: `code` is stable and for programs, `message` for people, `afterMs` when to try again. */
export class Refused extends Error {
  constructor(code, detail, afterMs = null) {
    super(detail);
    this.name = "Refused";
    this.code = code;
    this.afterMs = afterMs;
  }
}

/**
 * Follows rooms from the moment that it is made until `close()`, or until the server says that coming back is no use.
 *
 * `rooms` is a list of names, or an object from a name to the position after which to go on (null: from now).
 * `url` is the server's address; a page that it served needs none. `last` is how many earlier messages to begin with
 * where there is no position. `token` is a staff member's. `transport` is "websocket" or "events" to allow only that.
 *
 * Events, each with its object in `event.detail`: `message`, `retraction`, `gap`, `presence`, `typing` (its `lines` are
 * what to show now: they also end when they are said, or too old), `submission`, `welcome` and `error` as
 * docs/protocol.md has them, and `state`, whenever `state` changes.
 */
export class Fanout extends EventTarget {
  #options;
  #line = null;
  #failures = 0; // lines in a row that never came to a welcome
  #answers = false; // whether the server answered an ordinary request since a WebSocket failed
  #blocked = false; // whether WebSockets don't get through here
  #bye = null;
  #timer = null;
  #looking = null;
  #heardAt = 0;
  #pinged = false;
  #heartbeatMs = 25000;
  #unanswered = new Map(); // by ref: submissions whose fate nobody knows yet; sent again after each return
  #typing = new Map(); // by room: what is being typed there, and the timer that forgets it
  #refs = new Map(); // by the server's id: our own names for what we have handed in

  constructor({ rooms, url = globalThis.location?.href, last = null, token = null, transport = "auto" }) {
    super();
    this.positions = Array.isArray(rooms) ? Object.fromEntries(rooms.map((room) => [room, null])) : { ...rooms };
    this.#options = { url: new URL(url).origin, last, token, transport };
    this.state = { state: "connecting" };
    globalThis.addEventListener?.("online", this.#online);
    globalThis.addEventListener?.("offline", this.#offline);
    this.#looking = setInterval(() => this.#look(), LOOKS_EVERY_MS);
    queueMicrotask(() => this.#open()); // so that whoever made this can listen first
  }

  /** As `addEventListener`, for `heard(detail)`; returns what ends it. */
  on(type, heard) {
    const listener = (event) => heard(event.detail);
    this.addEventListener(type, listener);
    return () => this.removeEventListener(type, listener);
  }

  /**
   * Hands in a question, or says something in an open room. The promise is kept once it is durable, with what the server
   * says of it (`id`, `state`, `ref`); what becomes of it later comes as `submission` events. It waits out a line that is
   * broken, and sends again what was not answered, under the same `ref`: from somebody with an identity (`introduce`)
   * that is one submission however often it is sent. It is broken with a `Refused`.
   */
  submit(room, text, { name = "", ref = newRef() } = {}) {
    return new Promise((resolve, reject) => {
      if (this.state.state === "ended") return reject(new Refused("closed", this.state.reason));
      this.#unanswered.set(ref, { room, text, name, ref, resolve, reject });
      if (this.state.state === "live") this.#send(ref);
    });
  }

  /**
   * Gives this browser an identity that this server's pages keep in a cookie (the one that it has, if any): so that its
   * questions are known for its own after a break. Comes back on the line as that visitor. For pages of the server.
   */
  async introduce(name = "") {
    const answer = await post(`${this.#options.url}/v1/visitors`, { name });
    if (this.#line) {
      this.#leave();
      this.#open();
    }
    return answer;
  }

  /** Leave, for good. */
  close() {
    this.#end({ code: 1000, reason: "closed" });
  }

  #open() {
    clearTimeout(this.#timer);
    this.#bye = null;
    this.#pinged = false;
    const usual = this.#blocked ? "events" : "websocket";
    const transport = this.#options.transport === "auto" ? usual : this.#options.transport;
    this.#tell({ state: "connecting", transport });
    const line = transport === "events" ? new EventLine() : new SocketLine();
    this.#line = line;
    const mine = (act) => (said) => { if (this.#line === line) act(said); };
    this.#timer = setTimeout(mine(() => this.#lost({ reason: "silence" })), OPENS_WITHIN_MS);
    line.open(this.#options, this.positions, mine((said) => this.#hear(said)), mine((why) => this.#lost(why)));
  }

  #hear(said) {
    this.#heardAt = Date.now();
    this.#pinged = false;
    const { type, room } = said;
    if (type === "welcome") return this.#welcome(said);
    if (type === "typing") return this.#typed(room, said.lines);
    if (type === "message" || type === "retraction") this.positions[room] = said.position;
    else if (type === "gap") this.positions[room] = said.to;
    else if (type === "bye") return void (this.#bye = said);
    else if (type === "submission") {
      if (said.ref) this.#refs.set(said.id, said.ref);
      else if (this.#refs.has(said.id)) said.ref = this.#refs.get(said.id);
      this.#answered(said.ref, (asked) => asked.resolve(said));
    }
    else if (type === "error" && this.#unanswered.has(said.ref)) {
      return this.#answered(said.ref, (asked) => asked.reject(new Refused(said.code, said.detail, said.after_ms)));
    } else if (type === "error" && room && !said.ref) delete this.positions[room]; // it does not listen there any more
    if (TYPES.includes(type)) this.dispatchEvent(new CustomEvent(type, { detail: said }));
    if (said.position) this.#typed(room, this.#typing.get(room)?.lines.filter((line) => !over(line, said)));
    if (type === "error" && !Object.keys(this.positions).length) this.#end({ code: 4003, reason: said.detail });
  }

  #typed(room, lines = []) {
    const before = this.#typing.get(room);
    clearTimeout(before?.timer);
    this.#typing.delete(room);
    if (lines.length) this.#typing.set(room, { lines, timer: setTimeout(() => this.#typed(room), TYPED_FOR_MS) });
    if (lines.length || before) this.dispatchEvent(new CustomEvent("typing", { detail: { type: "typing", room, lines } }));
  }

  #welcome(said) {
    for (const [room, here] of Object.entries(said.rooms)) this.positions[room] = here.position;
    this.#heartbeatMs = (said.heartbeat_s ?? 25) * 1000;
    clearTimeout(this.#timer);
    [this.#failures, this.#answers] = [0, false];
    this.dispatchEvent(new CustomEvent("welcome", { detail: said }));
    this.#tell({ state: "live", transport: this.#line.transport });
    for (const ref of this.#unanswered.keys()) this.#send(ref);
  }

  #send(ref) {
    const { room, text, name } = this.#unanswered.get(ref);
    this.#line.submit({ type: "submit", room, text, name, ref }).then(
      (said) => said && this.#hear(said),
      (error) => error instanceof Refused && this.#answered(ref, (asked) => asked.reject(error)),
    ); // any other error is the line's: it is sent again after the next welcome
  }

  #answered(ref, act) {
    const asked = this.#unanswered.get(ref);
    this.#unanswered.delete(ref);
    if (asked) act(asked);
  }

  /** The line is gone. Whether and when to come back: as the server said, else by chance below a growing bound. */
  #lost({ code = 1006, reason = "" } = {}) {
    const failed = this.state.state !== "live" && !this.#bye;
    const bye = this.#bye ?? { code, reason, reconnect: !ENDS_FOR_GOOD.has(code) };
    const { transport } = this.#line;
    this.#leave();
    if (!bye.reconnect) return this.#end(bye);
    if (failed) this.#failed(transport);
    const bound = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.#failures, 10));
    const afterMs = Math.round(bye.after_ms ?? Math.random() * bound);
    this.#tell({ state: "waiting", code: bye.code, reason: bye.reason, afterMs, told: bye.after_ms !== undefined });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#open(), afterMs);
  }

  /** A line did not open. If two WebSockets fail and the server answers in between, it is they that don't get through. */
  async #failed(transport) {
    this.#failures += 1;
    this.#blocked = transport === "websocket" && this.#answers;
    this.#answers = (await statusOf(`${this.#options.url}/v1/rooms/${encodeURIComponent(Object.keys(this.positions)[0])}`)) === 200;
  }

  #leave() {
    const line = this.#line;
    this.#line = null; // what it still says is nobody's
    for (const room of this.#typing.keys()) this.#typed(room);
    line?.close();
  }

  #end({ code, reason }) {
    if (this.state.state === "ended") return;
    this.#leave();
    clearTimeout(this.#timer);
    clearInterval(this.#looking);
    globalThis.removeEventListener?.("online", this.#online);
    globalThis.removeEventListener?.("offline", this.#offline);
    this.#tell({ state: "ended", code, reason });
    for (const ref of [...this.#unanswered.keys()]) {
      this.#answered(ref, (asked) => asked.reject(new Refused("closed", reason)));
    }
  }

  #tell(state) {
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
  }

  /** A page can't see the server's pings, so it asks when nothing has come for two of them. */
  #look() {
    if (this.state.state !== "live" || !this.#line.ping) return;
    const silentMs = Date.now() - this.#heardAt;
    if (this.#pinged && silentMs > this.#pinged) return this.#lost({ reason: "silence" });
    if (this.#pinged || silentMs <= 2 * this.#heartbeatMs) return;
    this.#pinged = silentMs + ANSWERS_WITHIN_MS;
    this.#line.ping();
  }

  #offline = () => { if (this.#line) this.#lost({ reason: "offline" }); };

  #online = () => {
    if (this.state.state !== "waiting" || this.state.told) return; // a slot that the server gave is kept
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#open(), Math.random() * FIRST_WAIT_MS);
  };
}

/** One WebSocket for all rooms. */
class SocketLine {
  transport = "websocket";
  #socket;

  open({ url, last, token }, positions, hear, lost) {
    const query = new URLSearchParams();
    for (const [room, position] of Object.entries(positions)) {
      query.append("room", room);
      if (position) query.append("after", `${room}@${position}`);
    }
    if (last !== null) query.set("last", last);
    if (token) query.set("token", token);
    this.#socket = new WebSocket(`${url.replace(/^http/, "ws")}/v1/ws?${query}`, "fanout.v1.json");
    this.#socket.onmessage = (event) => hear(JSON.parse(event.data));
    this.#socket.onclose = (event) => lost({ code: event.code, reason: event.reason });
  }

  async submit(command) {
    this.#socket.send(JSON.stringify(command)); // the answer comes on the line
  }

  ping() {
    this.#socket.send('{"type":"ping"}');
  }

  close() {
    this.#socket.close(1000);
  }
}

/** An event stream for each room; they come and go together. What is handed in goes by ordinary requests. */
class EventLine {
  transport = "events";
  #url;
  #sources = new Map(); // by room

  open({ url, last, token }, positions, hear, lost) {
    this.#url = url;
    const [sources, awaited] = [this.#sources, new Set(Object.keys(positions))];
    const [welcome, early] = [{ type: "welcome", rooms: {} }, []]; // early: what one room says while another is yet to open
    const begun = (room) => { if (awaited.delete(room) && !awaited.size) [welcome, ...early].forEach(hear); };
    const tell = (said) => (awaited.size ? early.push(said) : hear(said));
    const ended = (room, why) => {
      if (why.code !== 4003 || sources.size === 1) return lost(why);
      sources.get(room).close(); // who is banned from one of several rooms has the others
      sources.delete(room);
      tell({ type: "error", code: "banned", detail: why.reason, room });
      begun(room);
    };
    for (const [room, position] of Object.entries(positions)) {
      const query = new URLSearchParams();
      if (position) query.set("after", position);
      else if (last !== null) query.set("last", last);
      if (token) query.set("token", token);
      const source = new EventSource(`${url}/v1/rooms/${encodeURIComponent(room)}/events?${query}`);
      sources.set(room, source);
      for (const type of TYPES) {
        source.addEventListener(type, (event) => {
          if (event.data === undefined) return; // "error" is what a browser calls the end of the line, too
          const said = JSON.parse(event.data);
          if (type === "bye" && said.code === 4003) return ended(room, said);
          if (type !== "welcome") return type === "bye" ? hear(said) : tell(said);
          Object.assign(welcome, said, { rooms: { ...welcome.rooms, ...said.rooms } });
          begun(room);
        });
      }
      source.addEventListener("error", async (event) => {
        if (event.data !== undefined) return;
        const refused = source.readyState === EventSource.CLOSED; // not 200, or no answer at all
        source.close();
        ended(room, refused ? await whyRefused(source.url) : { code: 1006 });
      });
    }
  }

  async submit({ room, text, name, ref }) {
    const told = await post(`${this.#url}/v1/rooms/${encodeURIComponent(room)}/submissions`, { text, name, ref });
    return { type: "submission", ...told, ref };
  }

  close() {
    for (const source of this.#sources.values()) source.close();
  }
}

/** A browser does not say why a stream was refused, so it is asked for once more, by other means. */
async function whyRefused(address) {
  const once = new AbortController();
  const asked = fetch(address, { cache: "no-store", signal: once.signal });
  const { code, detail } = await asked.then((answer) => (answer.ok ? {} : answer.json())).catch(() => ({}));
  once.abort();
  return { code: REFUSALS[code] ?? 1006, reason: detail };
}

/** The status of an ordinary request; null: nobody answers. */
const statusOf = (address) => fetch(address, { cache: "no-store" }).then(({ status }) => status, () => null);

async function post(address, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(body) });
  const said = await answer.json();
  if (answer.ok) return said;
  throw new Refused(said.code, said.detail, Number(answer.headers.get("Retry-After")) * 1000 || null);
}

/** Whether a line is typed no more, by what was said: it is on air, or its question is not. */
function over({ re, author }, said) {
  return re === said.target || (re === said.re && author.name === said.author.name);
}

/** A name of our own for what we hand in: twelve random bytes. */
function newRef() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
