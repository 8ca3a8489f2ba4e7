/** Puts the page together. Every address is relative, so that it works below any prefix. */

import { HubConnectionBuilder, LogLevel } from "@microsoft/signalr";
import { render } from "preact";
import { EitherWire } from "./state/either_wire";
import { downloadFrom, uploadTo } from "./state/file_transfer";
import { HttpWire } from "./state/http_wire";
import { realTimers } from "./state/timers";
import { Unfinished } from "./state/unfinished";
import { Viewer } from "./state/viewer";
import { App } from "./ui/app";
import { addressedSession, draftStorage, keptToken, onDraftRemoved, textStorage } from "./ui/browser";
import { DownloadProvider } from "./ui/file";
import { pageFrame } from "./ui/frame";
import { ViewerProvider } from "./ui/hooks";
import "./style/base.css";
import "./style/layout.css";
import "./style/header.css";
import "./style/message.css";
import "./style/tool.css";
import "./style/file.css";
import "./style/approval.css";

const signalr = new HubConnectionBuilder()
  .withUrl("hub", { accessTokenFactory: keptToken })
  .configureLogging(LogLevel.None) // what goes wrong is shown on the page
  .build();
const wire = new EitherWire(signalr, new HttpWire("api", keptToken, realTimers));

const unfinished = new Unfinished(textStorage());
const isSeen = () => !document.hidden;
const upload = uploadTo("api", keptToken);
const viewer = new Viewer(wire, draftStorage(), pageFrame(), realTimers, addressedSession(), unfinished, isSeen, upload);

onDraftRemoved((messageId) => viewer.outbox.forget(messageId));
const probe = () => viewer.connection.probe("ListSessions", { limit: 1 });
addEventListener("online", viewer.connection.retryNow);
addEventListener("offline", probe);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  probe();
  viewer.chat.markRead();
});

const root = document.getElementById("app");
if (root === null) throw new Error("the page has no #app");
render(
  <ViewerProvider value={viewer}>
    <DownloadProvider value={downloadFrom("files", keptToken)}>
      <App />
    </DownloadProvider>
  </ViewerProvider>,
  root,
);
viewer.start();
