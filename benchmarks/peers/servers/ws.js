// The ws library as its own documentation broadcasts: a loop over the clients. /pub is the publisher.
const { createServer } = require("node:http");
const { WebSocket, WebSocketServer } = require("ws");

const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
const listeners = new Set();
sockets.on("connection", (socket, request) => {
  if (request.url === "/pub") {
    socket.on("message", (text) => {
      for (const listener of listeners) {
        if (listener.readyState === WebSocket.OPEN) listener.send(text, { binary: false });
      }
      socket.send("ok");
    });
  } else {
    listeners.add(socket);
    socket.on("close", () => listeners.delete(socket));
    socket.on("error", () => {});
  }
});
server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => {
  console.log(`listening on 127.0.0.1:${server.address().port}`);
});
