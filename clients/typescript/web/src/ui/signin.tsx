/** Asks for a token where the hub answers that it needs one. */

import { useState } from "preact/hooks";
import { keepToken, keptToken } from "./browser";
import { useViewer } from "./hooks";

export function SignIn() {
  const { connection } = useViewer();
  const [text, setText] = useState("");
  const [refused] = useState(keptToken() !== "");
  const submit = (event: Event) => {
    event.preventDefault();
    if (text.trim() === "") return;
    keepToken(text.trim());
    connection.retryNow();
  };
  return (
    <div role="alert" class="bars">
      <form class="bar" data-testid="sign-in" onSubmit={submit}>
        <label for="token">
          {refused ? "The hub does not take this token (any more). Another one:" : "This hub asks for a token:"}
        </label>
        <input
          id="token"
          type="password"
          autocomplete="off"
          spellcheck={false}
          data-testid="token"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit" class="quiet" data-testid="use-token">
          Connect
        </button>
      </form>
    </div>
  );
}
