/** Files to and from the hub, over HTTP whatever the rest of the page uses: that tells how far an upload is. */

import { LOST, problemOf } from "./errors";
import type { Chosen, Upload, Uploaded } from "./files";

/** `base` is the address of the HTTP API. */
export function uploadTo(base: string, token: () => string): Upload {
  return (sessionId, file: Chosen, mediaType, progress, signal) =>
    new Promise<Uploaded>((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", `${base}/sessions/${encodeURIComponent(sessionId)}/files?name=${encodeURIComponent(file.name)}`);
      request.setRequestHeader("Content-Type", mediaType);
      if (token() !== "") request.setRequestHeader("Authorization", `Bearer ${token()}`);
      request.upload.onprogress = ({ loaded, total }) => progress(total > 0 ? loaded / total : 0);
      request.onload = () => {
        const { status, responseText } = request;
        if (status === 201) resolve(JSON.parse(responseText) as Uploaded);
        else reject(problemOf(status, responseText, request.getResponseHeader("Retry-After")));
      };
      request.onerror = () => reject(new Error(LOST));
      signal.addEventListener("abort", () => {
        request.abort();
        reject(new Error(LOST));
      });
      request.send(file as File);
    });
}

export type Download = (sessionId: string, fileId: string, signal?: AbortSignal) => Promise<Blob>;

/** `base` is the address below which files are. */
export function downloadFrom(base: string, token: () => string): Download {
  return async (sessionId, fileId, signal) => {
    const headers: Record<string, string> = token() === "" ? {} : { Authorization: `Bearer ${token()}` };
    const address = `${base}/${encodeURIComponent(sessionId)}/${encodeURIComponent(fileId)}`;
    const response = await fetch(address, { headers, ...(signal && { signal }) }).catch(() => {
      throw new Error(LOST);
    });
    if (!response.ok) throw problemOf(response.status, await response.text(), response.headers.get("Retry-After"));
    return response.blob();
  };
}
