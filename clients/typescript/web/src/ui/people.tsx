/** Who else has the chat open, and who comes and goes. */

import { useEffect, useState } from "preact/hooks";
import type { Chat } from "../state/chat";
import { nameOf, type Person, type Presence } from "../state/presence";
import { HintChip } from "./hint";
import { useWatched } from "./hooks";

const SHOWN = 3;
const CLEAR_MS = 4000;

/** Nothing while this page is all there is. */
export function People({ chat }: { chat: Chat }) {
  const { presence } = chat;
  const people = useWatched(presence.subscribe, () => presence.people);
  const news = useNews(presence);
  const connections = people.reduce((count, person) => count + person.connections.length, 0);
  const shown = people.slice(0, SHOWN).map((person) => called(person, presence.me));
  if (people.length > SHOWN) shown.push(`${people.length - SHOWN} more`);
  return (
    <>
      {connections > 1 && (
        <HintChip label={shown.join(", ")} testid="people" title="Who is here" hint={<List people={people} me={presence.me} />} />
      )}
      <span class="visually-hidden" role="status" data-testid="people-news">
        {news}
      </span>
    </>
  );
}

/** Who of the others is writing. Not said to screen readers: it comes and goes all the time. */
export function Writing({ chat }: { chat: Chat }) {
  const { presence } = chat;
  useWatched(presence.subscribe, () => presence.people);
  const names = presence.writing.map(({ user }) => nameOf(user));
  if (names.length === 0) return null;
  return (
    <p class="writing muted" data-testid="writing" dir="auto">
      {names.slice(0, SHOWN).join(", ")} {names.length === 1 ? "is" : "are"} writing…
    </p>
  );
}

const called = (person: Person, me: string | null) => (person.user === me ? "You" : nameOf(person.user));

function List({ people, me }: { people: readonly Person[]; me: string | null }) {
  return (
    <ul class="people" aria-label="Who is here" data-testid="people-list">
      {people.map((person) => (
        <li key={person.user} title={person.user}>
          <bdi>{called(person, me)}</bdi> <span class="muted">{details(person)}</span>
        </li>
      ))}
    </ul>
  );
}

function details({ role, connections }: Person): string {
  return connections.length > 1 ? `${role} · ${connections.length} times` : role;
}

function useNews(presence: Presence): string {
  const [text, setText] = useState("");
  useEffect(() => {
    setText("");
    return presence.news.add(({ kind, user }) => setText(kind === "joined" ? `${nameOf(user)} is here.` : `${nameOf(user)} has left.`));
  }, [presence]);
  useEffect(() => {
    if (text === "") return;
    const timer = setTimeout(() => setText(""), CLEAR_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return text;
}
