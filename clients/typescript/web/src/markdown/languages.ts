/** The highlighter itself, with the languages that answers are likely to hold. */

import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import cpp from "highlight.js/lib/languages/cpp";
import csharp from "highlight.js/lib/languages/csharp";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import excel from "highlight.js/lib/languages/excel";
import go from "highlight.js/lib/languages/go";
import ini from "highlight.js/lib/languages/ini";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import markdown from "highlight.js/lib/languages/markdown";
import python from "highlight.js/lib/languages/python";
import rust from "highlight.js/lib/languages/rust";
import shell from "highlight.js/lib/languages/shell";
import sql from "highlight.js/lib/languages/sql";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import type { Coloured, Highlighter } from "./highlight";

const LANGUAGES = {
  bash, cpp, csharp, css, diff, excel, go, ini, java, javascript, json, markdown, python, rust, shell, sql, typescript,
  xml, yaml,
};
for (const [name, language] of Object.entries(LANGUAGES)) hljs.registerLanguage(name, language);

interface TreeNode {
  scope?: string;
  children: (TreeNode | string)[];
}

/** Null for a language that is not known. */
export const highlight: Highlighter = (code, lang) => {
  if (!hljs.getLanguage(lang)) return null;
  const { _emitter: emitter } = hljs.highlight(code, { language: lang, ignoreIllegals: true });
  return coloured((emitter as unknown as { rootNode: TreeNode }).rootNode);
};

function coloured(node: TreeNode): Coloured[] {
  return node.children.map((child): Coloured => {
    if (typeof child === "string") return child;
    return { kind: (child.scope ?? "").split(".")[0] ?? "", children: coloured(child) };
  });
}
