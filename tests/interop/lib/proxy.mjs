// A TCP proxy between the client and the hub, to lose a connection at any byte, or to stop reading.

import net from "node:net";

export class Proxy {
  #server;
  #pairs = new Set();
  #left = Infinity; // bytes that still reach the client before the connection is lost
  #isPaused = false;

  static async open(target) {
    const { hostname, port } = new URL(target);
    const proxy = new Proxy();
    proxy.#server = net.createServer((near) => proxy.#join(near, net.connect(Number(port), hostname)));
    await new Promise((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    proxy.url = `http://127.0.0.1:${proxy.#server.address().port}`;
    return proxy;
  }

  #join(near, far) {
    const pair = { near, far };
    this.#pairs.add(pair);
    if (this.#isPaused) far.pause();
    near.on("data", (data) => far.write(data));
    far.on("data", (data) => this.#forward(near, data));
    for (const socket of [near, far]) {
      socket.on("error", () => {}); // what is lost is closed, below
      socket.on("close", () => {
        this.#pairs.delete(pair);
        near.destroy();
        far.destroy();
      });
    }
  }

  #forward(near, data) {
    const taken = data.subarray(0, this.#left);
    this.#left -= taken.length;
    const isLost = taken.length < data.length;
    near.write(taken, () => isLost && this.cut());
  }

  cut() {
    for (const { near, far } of this.#pairs) {
      near.destroy();
      far.destroy();
    }
  }

  // Lose every connection once this many bytes have gone to the client; a byte more is not sent.
  cutAfter(bytes) {
    this.#left = bytes;
  }

  pause() {
    this.#isPaused = true;
    for (const { far } of this.#pairs) far.pause();
  }

  resume() {
    this.#isPaused = false;
    for (const { far } of this.#pairs) far.resume();
  }

  async close() {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
