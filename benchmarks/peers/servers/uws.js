// uWebSockets.js and its own publish: one topic, everybody in it. /pub is the publisher.
const uWS = require("@trufflesuite/uws-js-unofficial");

const app = uWS.App();
const common = { compression: uWS.DISABLED, maxBackpressure: 16 * 1024 * 1024 };
app.ws("/pub", {
  ...common,
  message(socket, text) {
    app.publish("room", text, false);
    socket.send("ok");
  },
});
app.ws("/*", {
  ...common,
  open(socket) {
    socket.subscribe("room");
  },
});
app.listen("127.0.0.1", 0, (listening) => {
  console.log(`listening on 127.0.0.1:${uWS.us_socket_local_port(listening)}`);
});
