/** A Markdown text, growing or finished; closed blocks are painted once. */

import { Component } from "preact";
import { useRef } from "preact/hooks";
import { type Block, BlockSplitter } from "./blocks";
import { renderBlock } from "./render";

export function Markdown({ text, growing }: { text: string; growing: boolean }) {
  const splitter = useRef<BlockSplitter | null>(null);
  splitter.current ??= new BlockSplitter();
  const blocks = splitter.current.update(text, growing);
  return (
    <div class={growing ? "markdown growing" : "markdown"}>
      {blocks.map((block) => (
        <BlockView key={block.key} block={block} />
      ))}
    </div>
  );
}

class BlockView extends Component<{ block: Block }> {
  override shouldComponentUpdate({ block }: { block: Block }): boolean {
    const { token, closed } = this.props.block;
    return block.token !== token || block.closed !== closed;
  }

  override render() {
    const { token, closed } = this.props.block;
    return renderBlock(token, closed);
  }
}
