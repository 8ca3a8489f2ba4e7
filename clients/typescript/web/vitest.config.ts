import { defineConfig } from "vitest/config";

// The reporter groups failures by `Map.groupBy`, which Node 20 does not have; without it no failure is printed.
const maps = Map as unknown as { groupBy?: <K, V>(items: Iterable<V>, key: (item: V) => K) => Map<K, V[]> };
maps.groupBy ??= (items, key) => {
  const groups = new Map();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
};

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  // Python's tests go on beside these: how long one takes is the machine's affair.
  test: { environment: "node", include: ["tests/**/*.test.{ts,tsx}"], testTimeout: 120_000, hookTimeout: 120_000 },
});
