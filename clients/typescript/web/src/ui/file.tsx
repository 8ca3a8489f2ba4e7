/** A file in a message: images are shown, everything can be saved. The bytes are fetched with the page's own token. */

import { createContext } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import type { FilePart } from "../state/contract";
import { callFailure } from "../state/errors";
import type { Download } from "../state/file_transfer";
import { bytes } from "../state/files";
import { useViewer } from "./hooks";

const Downloads = createContext<Download | null>(null);
export const DownloadProvider = Downloads.Provider;

/** A larger one is fetched only when it is saved. */
const MAX_SHOWN_BYTES = 20 * 1024 ** 2;

function useDownload(): Download {
  const download = useContext(Downloads);
  if (download === null) throw new Error("outside of DownloadProvider");
  return download;
}

export function FileView({ sessionId, file }: { sessionId: string; file: FilePart }) {
  const isImage = file.mediaType.startsWith("image/") && file.size <= MAX_SHOWN_BYTES;
  return (
    <div class="file" data-testid="file" data-media-type={file.mediaType}>
      {isImage && <Picture sessionId={sessionId} file={file} />}
      <SaveButton sessionId={sessionId} file={file} />
    </div>
  );
}

function SaveButton({ sessionId, file }: { sessionId: string; file: FilePart }) {
  const viewer = useViewer();
  const download = useDownload();
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    try {
      saveAs(await download(sessionId, file.fileId), file.name);
    } catch (error) {
      const { text, lost } = callFailure(error);
      viewer.complain(lost ? `${file.name} could not be fetched: the hub cannot be reached.` : `${file.name} could not be fetched. ${text}`);
    }
    setBusy(false);
  };
  return (
    <button type="button" class="file-name" data-testid="save-file" aria-label={`Save ${file.name}, ${bytes(file.size)}`} disabled={busy} onClick={save}>
      <svg viewBox="0 0 24 24" width="15" height="15" aria-hidden="true">
        <path d="M12 4v11m0 0-4-4m4 4 4-4M5 20h14" />
      </svg>
      <bdi>{file.name}</bdi> <span class="muted">{bytes(file.size)}</span>
    </button>
  );
}

/** Fetched once it comes near to being seen. */
function Picture({ sessionId, file }: { sessionId: string; file: FilePart }) {
  const download = useDownload();
  const frame = useRef<HTMLButtonElement>(null);
  const [address, setAddress] = useState<string | null>(null);
  const [failed, setFailed] = useState(false);
  const [large, setLarge] = useState(false);
  useEffect(() => {
    const end = new AbortController();
    let made: string | null = null;
    const fetchIt = async () => {
      const picture = await download(sessionId, file.fileId, end.signal);
      if (end.signal.aborted) return;
      made = URL.createObjectURL(picture);
      setAddress(made);
    };
    const watching = new IntersectionObserver((seen) => {
      if (!seen.some((each) => each.isIntersecting)) return;
      watching.disconnect();
      fetchIt().catch(() => end.signal.aborted || setFailed(true));
    });
    if (frame.current) watching.observe(frame.current);
    return () => {
      watching.disconnect();
      end.abort();
      if (made !== null) URL.revokeObjectURL(made);
    };
  }, [sessionId, file.fileId]);
  if (failed) return <p class="muted" data-testid="picture-failed">This picture cannot be shown.</p>;
  return (
    <button
      type="button"
      class={large ? "picture large" : "picture"}
      ref={frame}
      data-testid="picture"
      aria-label={`${file.name}, ${large ? "smaller" : "larger"}`}
      aria-expanded={large}
      onClick={() => setLarge(!large)}
    >
      {address !== null && <img src={address} alt={file.name} onError={() => setFailed(true)} />}
    </button>
  );
}

function saveAs(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // the browser may begin to read it a little later
}
