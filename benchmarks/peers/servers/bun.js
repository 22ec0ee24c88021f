// Bun's own WebSocket server and its own publish: one topic, everybody in it. GET /pub is the publisher.
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, server) {
    const publisher = new URL(request.url).pathname === "/pub";
    if (!server.upgrade(request, { data: { publisher } })) return new Response("WebSocket only", { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    backpressureLimit: 16 * 1024 * 1024,
    open(socket) {
      if (!socket.data.publisher) socket.subscribe("room");
    },
    message(socket, text) {
      server.publish("room", text);
      socket.send("ok");
    },
  },
});
console.log(`listening on ${server.hostname}:${server.port}`);
