// A small workbook in memory that executes the ready-made spreadsheet tools. It counts what it executes, by call.

const ADDRESS = /^(?:(?:'([^']+)'|(\w+))!)?\$?([A-Z]{1,3})?\$?(\d+)?(?::\$?([A-Z]{1,3})?\$?(\d+)?)?$/i;

const column = (letters) => [...letters.toUpperCase()].reduce((sum, one) => sum * 26 + one.charCodeAt(0) - 64, 0);
const letters = (number) =>
  number > 26 ? letters(Math.floor((number - 1) / 26)) + letters(((number - 1) % 26) + 1) : String.fromCharCode(64 + number);

// A formula for a cell so many rows down and columns right of its first: what is not fixed by $ moves along.
const moved = (formula, down, right) =>
  formula.replace(/("[^"]*")|(?<![\w$])(\$?)([A-Z]{1,3})(\$?)(\d+)(?![\w(])/gi, (all, text, fixed, from, still, row) =>
    text ? all : `${fixed}${fixed ? from : letters(column(from) + right)}${still}${still ? row : Number(row) + down}`,
  );

export class Workbook {
  cells = new Map(); // "Sheet1!B2": what was written: a value, or a formula
  formats = new Map(); // likewise: {bold, numberFormat, …}
  names = new Map();
  charts = [];

  execute(name, given) {
    const act = this[name];
    if (typeof act !== "function" || !TOOLS.includes(name)) throw new Error(`This workbook has no ${name}.`);
    return act.call(this, given);
  }

  read_range({ range, include_formulas = true, include_formatting = false }) {
    const rows = this.#rows(range);
    return {
      range,
      values: rows.map((row) => row.map((cell) => this.value(cell))),
      ...(include_formulas && { formulas: rows.map((row) => row.map((cell) => this.#formula(cell))) }),
      ...(include_formatting && { formats: rows.map((row) => row.map((cell) => this.formats.get(cell) ?? {})) }),
    };
  }

  write_range({ range, values }) {
    this.#rows(range).forEach((row, down) =>
      row.forEach((cell, right) => {
        const value = values[down]?.[right];
        if (value === null || value === undefined) return;
        if (value === "") this.cells.delete(cell);
        else this.cells.set(cell, value);
      }),
    );
    return { range, written: true };
  }

  apply_formula({ range, formula, relative_references = true }) {
    this.#rows(range).forEach((row, down) =>
      row.forEach((cell, right) => this.cells.set(cell, relative_references ? moved(formula, down, right) : formula)),
    );
    return { range, values: this.#rows(range).map((row) => row.map((cell) => this.value(cell))) };
  }

  format_range({ range, ...format }) {
    for (const cell of this.#rows(range).flat()) {
      const before = this.formats.get(cell) ?? {};
      this.formats.set(cell, { ...before, ...format, font: { ...before.font, ...format.font } });
    }
    return { range, formatted: true };
  }

  clear_range({ range, clear_type = "contents" }) {
    for (const cell of this.#rows(range).flat()) {
      if (clear_type !== "formats") this.cells.delete(cell);
      if (clear_type !== "contents") this.formats.delete(cell);
    }
    return { range, cleared: clear_type };
  }

  insert_rows_columns({ position, type, count = 1 }) {
    const { sheet, left, top } = this.#corners(position);
    const first = type === "rows" ? top : left;
    for (const kept of [this.cells, this.formats]) {
      const moved = [...kept].map(([cell, value]) => {
        const place = this.#corners(cell);
        if (place.sheet !== sheet) return [cell, value];
        const right = place.left + (type === "columns" && place.left >= first ? count : 0);
        const down = place.top + (type === "rows" && place.top >= first ? count : 0);
        return [`${sheet}!${letters(right)}${down}`, value];
      });
      kept.clear();
      for (const [cell, value] of moved) kept.set(cell, value);
    }
    return { position, inserted: count };
  }

  create_chart(chart) {
    this.charts.push(chart);
    return { chart: this.charts.length };
  }

  get_named_ranges() {
    return { names: Object.fromEntries(this.names) };
  }

  create_named_range({ name, range }) {
    this.names.set(name, range);
    return { name, range };
  }

  // What a cell shows. Of formulas it knows sums; the others show as they were written.
  value(cell) {
    const written = this.cells.get(cell) ?? null;
    const sum = typeof written === "string" && /^=SUM\(([^()]+)\)$/i.exec(written);
    if (!sum) return written;
    const range = sum[1].includes("!") ? sum[1] : `${cell.split("!")[0]}!${sum[1]}`;
    const values = this.#rows(range).flat().map((one) => this.value(one));
    return values.reduce((total, one) => total + (typeof one === "number" ? one : 0), 0);
  }

  #formula(cell) {
    const written = this.cells.get(cell);
    return typeof written === "string" && written.startsWith("=") ? written : null;
  }

  // The cells of a range, row by row; a whole column or row is cut to what is used.
  #rows(range) {
    const { sheet, left, top, right, bottom } = this.#corners(range);
    const rows = [];
    for (let row = top; row <= bottom; row += 1) {
      rows.push([]);
      for (let col = left; col <= right; col += 1) rows.at(-1).push(`${sheet}!${letters(col)}${row}`);
    }
    return rows;
  }

  #corners(range) {
    const found = ADDRESS.exec(this.names.get(range) ?? range);
    if (!found || (!found[3] && !found[4])) throw new Error(`${range} is no range.`);
    const [, quoted, plain, from, first, to, last] = found;
    const sheet = quoted ?? plain ?? "Sheet1";
    const used = { right: 1, bottom: 1 };
    for (const cell of this.cells.keys()) {
      const [, letter, row] = /!([A-Z]+)(\d+)$/.exec(cell);
      used.right = Math.max(used.right, column(letter));
      used.bottom = Math.max(used.bottom, Number(row));
    }
    const isOne = to === undefined && last === undefined;
    return {
      sheet,
      left: from ? column(from) : 1,
      top: first ? Number(first) : 1,
      right: to ? column(to) : isOne && from ? column(from) : used.right,
      bottom: last ? Number(last) : isOne && first ? Number(first) : used.bottom,
    };
  }
}

export const TOOLS = [
  "read_range",
  "write_range",
  "apply_formula",
  "format_range",
  "clear_range",
  "insert_rows_columns",
  "create_chart",
  "get_named_ranges",
  "create_named_range",
];

// Offers a workbook to a session over a connection of the official client. `work` may delay or replace what a call
// does; `told` hears of each call before, and `ended` of each answer after.
export async function host(connection, sessionId, workbook, { name, hostKey, document, told, ended, work } = {}) {
  const execute = work ?? ((call) => workbook.execute(call.name, call.arguments));
  const run = async (call) => {
    told?.(call);
    let answer;
    try {
      answer = { result: (await execute(call)) ?? null };
    } catch (error) {
      answer = { error: error.message };
    }
    const { accepted } = await connection.invoke("ToolResult", sessionId, call.callId, answer);
    ended?.(call, accepted);
  };
  // The handler starts the work and returns: the client runs one at a time.
  connection.on("ExecuteTool", (call) => void run(call).catch((error) => ended?.(call, false, error.message)));
  connection.on("CancelTool", (call) => ended?.(call, false, call.reason));
  const tools = TOOLS.map((tool) => ({ name: tool }));
  const register = () => connection.invoke("RegisterTools", sessionId, { name, document, hostKey, tools });
  connection.onreconnected(() => void register());
  return register();
}
