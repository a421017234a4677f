// ws_echo.cjs MODULES - peer: WebSocket echo by npm's ws, as its manual has it.
//
// Prints the port that the kernel chose. Compression is off, as on the other side.
const path = require("node:path");
const { WebSocketServer } = require(path.join(process.argv[2], "ws"));
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });

server.on("listening", () => console.log(server.address().port));
server.on("connection", (socket, request) => {
	request.socket.setNoDelay(true);
	socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});
