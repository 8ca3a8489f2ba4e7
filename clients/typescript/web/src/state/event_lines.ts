/** Server-sent events out of pieces of text (the HTML standard, 9.2.6): only their data matters here. */

export class EventLines {
  private rest = "";
  private data: string[] = [];

  /** `take` is called with each event's data, in order. */
  constructor(private readonly take: (data: string) => void) {}

  push(piece: string): void {
    const lines = (this.rest + piece).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.line(line.endsWith("\r") ? line.slice(0, -1) : line);
  }

  private line(line: string): void {
    if (line.startsWith("data:")) {
      this.data.push(line.slice(line[5] === " " ? 6 : 5));
    } else if (line === "" && this.data.length > 0) {
      const data = this.data.join("\n");
      this.data = [];
      this.take(data);
    }
  }
}
