import { expect, test } from "vitest";
import { type Field, fieldOf, formsOf } from "../../../infra/settings/mistakes.ts";
import { encryptedNames } from "../../../infra/settings/secrecy.ts";
import { schemas } from "../../../infra/settings.ts";

/** Names of the fields that a schema marks as secret, and of those that it does not. */
function namesIn(field: Field): { name: string; secret: boolean }[] {
  return formsOf(field).flatMap(({ properties = {} }) =>
    Object.entries(properties).flatMap(([name, inner]) => [{ name, secret: inner.secret === true }, ...namesIn(inner)]),
  );
}

test("the fields that the schemas mark as secret are those whose names are known for it, and no other has such a name", () => {
  const names = Object.values(schemas).flatMap((schema) => namesIn(fieldOf(schema)));
  const marked = names.filter(({ secret }) => secret).map(({ name }) => name);
  expect([...new Set(marked)].sort()).toEqual([...encryptedNames].sort());
  expect(names.filter(({ name, secret }) => encryptedNames.includes(name) && !secret)).toEqual([]);
});
