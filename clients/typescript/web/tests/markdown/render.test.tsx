import { Fragment, isValidElement, type VNode } from "preact";
import { describe, expect, it } from "vitest";
import { BlockSplitter } from "../../src/markdown/blocks";
import { safeHref } from "../../src/markdown/links";
import { renderBlock } from "../../src/markdown/render";

interface Seen {
  tags: string[];
  links: string[];
  text: string;
  props: string[];
}

/** Everything that painting this text would put on the page. */
function seen(markdown: string, growing = false): Seen {
  const found: Seen = { tags: [], links: [], text: "", props: [] };
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(walk);
    if (typeof node === "string" || typeof node === "number") return void (found.text += String(node));
    if (!isValidElement(node)) return;
    const { type, props } = node as VNode<Record<string, unknown>>;
    if (typeof type === "string") found.tags.push(type);
    else if (type !== Fragment) found.tags.push(`<${type.name}>`);
    for (const [name, value] of Object.entries(props)) {
      if (name === "children") continue;
      found.props.push(name);
      if (name === "href") found.links.push(String(value));
    }
    walk(props["children"]);
  };
  for (const block of new BlockSplitter().update(markdown, growing)) walk(renderBlock(block.token, block.closed));
  return found;
}

const ALLOWED_TAGS = new Set(
  "p h3 h4 h5 h6 ul ol li blockquote strong em del code br hr a span div table thead tbody tr th td input <CodeBlock>".split(
    " ",
  ),
);
const ALLOWED_PROPS = new Set(
  "href title target rel class tabIndex role aria-label start type checked disabled code lang closed".split(" "),
);

const HOSTILE = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "text <img src=x onerror=alert(1)> text",
  "<svg onload=alert(1)>",
  "<iframe src='javascript:alert(1)'></iframe>",
  "<a href='javascript:alert(1)'>x</a>",
  "<style>*{display:none}</style>",
  "<form action=//evil><input name=p></form>",
  "<base href=//evil>",
  "<meta http-equiv=refresh content='0;url=//evil'>",
  "<!-- <script>alert(1)</script> -->",
  "<![CDATA[<script>alert(1)</script>]]>",
  "<?php alert(1) ?>",
  "[x](javascript:alert(1))",
  "[x](JaVaScRiPt:alert(1))",
  "[x](java\tscript:alert(1))",
  "[x](<java\nscript:alert(1)>)",
  "[x](<java\u0001script:alert(1)>)",
  "[x](\u0001javascript:alert(1))",
  "[x](&#106;avascript:alert(1))",
  "[x](&#x6A;&#x61;vascript:alert(1))",
  "[x](javascript&colon;alert(1))",
  "[x](java&Tab;script:alert(1))",
  "[x](javascript&#58;alert(1))",
  "[x](&amp;#106;avascript:alert(1))",
  "[x](vbscript:msgbox(1))",
  "[x](data:text/html,<script>alert(1)</script>)",
  "[x](data:text/html;base64,PHNjcmlwdD4=)",
  "[x](file:///etc/passwd)",
  "[x](blob:https://example.org/1)",
  "[x](//evil.example)",
  "[x](\\\\evil.example)",
  "[x](/api/sessions)",
  "[x](#top)",
  "[x](view-source:https://example.org)",
  "[x](https:javascript:alert(1))",
  "[x](https://good.example@evil.example)",
  "[x](https://)",
  "[x]( javascript:alert(1) )",
  "[x](javascript://example.org/%0aalert(1))",
  "![x](javascript:alert(1))",
  "![x](https://tracker.example/p.gif?secret)",
  "![x](data:image/svg+xml,<svg onload=alert(1)>)",
  "[![x](https://tracker.example/p.gif)](javascript:alert(1))",
  "[a]\n\n[a]: javascript:alert(1)",
  "[a]\n\n[a]: <java\tscript:alert(1)>",
  "<javascript:alert(1)>",
  "<data:text/html,x>",
  "javascript:alert(1)",
  '[x](https://example.org "title\\" onmouseover=\\"alert(1)")',
  '[x](https://example.org/"onmouseover="alert(1))',
  "`<script>alert(1)</script>`",
  "```html\n<script>alert(1)</script>\n```",
  "```\"><script>alert(1)</script>\ncode\n```",
  "```<img src=x onerror=alert(1)>\ncode\n```",
  "| <script>alert(1)</script> | [x](javascript:alert(1)) |\n|---|---|\n| <img src=x onerror=alert(1)> | y |",
  "> - <script>alert(1)</script>\n>   - [x](javascript:alert(1))",
  "**<b onclick=alert(1)>x</b>** [**x <script>**](javascript:alert(1))",
  "<div>\n\n[x](javascript:alert(1))\n\n</div>",
  "\u202ehttps://example.org",
  "[x](https://exam\u200bple.org)",
];

describe("hostile Markdown", () => {
  it.each(HOSTILE)("%j becomes harmless elements", (text) => {
    for (const growing of [false, true]) {
      const { tags, links, props } = seen(text, growing);
      expect(tags.filter((tag) => !ALLOWED_TAGS.has(tag))).toEqual([]);
      expect(props.filter((prop) => !ALLOWED_PROPS.has(prop))).toEqual([]);
      for (const href of links) expect(href).toMatch(/^(https?:\/\/[^/@\s]+(\/|$)|mailto:)/);
    }
  });

  it("makes no link of a scheme that runs, however it is written", () => {
    for (const text of HOSTILE.filter((each) => /script|data:|file:|blob:/i.test(each))) {
      expect(seen(text).links.filter((href) => !href.startsWith("https://")), text).toEqual([]);
    }
  });

  it("never loads an image", () => {
    const { tags, links, text } = seen("![a chart](https://example.org/c.png)");
    expect(tags).toEqual(["p", "a"]);
    expect(links).toEqual(["https://example.org/c.png"]);
    expect(text).toContain("a chart");
  });

  it("shows raw HTML as it was written", () => {
    expect(seen("<b onclick=x>hi</b>").text).toBe("<b onclick=x>hi</b>");
    expect(seen("a <i>b</i> c").text).toBe("a <i>b</i> c");
  });
});

describe("plain Markdown", () => {
  it("has its elements", () => {
    expect(seen("# T\n\ntext **b** *i* `c` ~~d~~").tags).toEqual(["h3", "p", "strong", "em", "code", "del"]);
    expect(seen("1. a\n2. b").tags).toEqual(["ol", "li", "li"]);
    expect(seen("- [x] done").tags).toEqual(["ul", "li", "input"]);
    expect(seen("|a|\n|-|\n|1|").tags).toEqual(["div", "table", "thead", "tr", "th", "tbody", "tr", "td"]);
  });

  it("resolves character references in text, not in code", () => {
    expect(seen("a &amp; b &lt;i&gt; &#8364; &nope;").text).toBe("a & b <i> € &nope;");
    expect(seen("`&amp;`").text).toBe("&amp;");
    expect(seen("[x](https://example.org/?a=1&amp;b=2)").links).toEqual(["https://example.org/?a=1&b=2"]);
  });

  it("links addresses that stand alone", () => {
    const { links, props } = seen("see https://example.org/a?b=1&c=2 and me@example.org");
    expect(links).toEqual(["https://example.org/a?b=1&c=2", "mailto:me@example.org"]);
    expect(props).toContain("rel");
  });
});

describe("safeHref", () => {
  it("takes http, https and mailto", () => {
    expect(safeHref("https://example.org")).toBe("https://example.org/");
    expect(safeHref("HTTP://Example.org/x")).toBe("http://example.org/x");
    expect(safeHref("mailto:me@example.org")).toBe("mailto:me@example.org");
  });

  it.each(["", "x", "/x", "//x", "#x", "javascript:1", "ht\ntps://x", " https://x", "https://a b", "https://u:p@x"])(
    "refuses %j",
    (address) => {
      expect(safeHref(address)).toBeNull();
    },
  );
});
