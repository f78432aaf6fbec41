// Text that people wrote, such as ids and titles, as a page shows it: nothing in it is unseen, and nothing in it changes
// the order of what stands beside it.
//
// In a sentence it stands between two isolates of Unicode. They are never part of such a text itself, where they are
// shown as escapes, so dom.js can tell where it begins and ends, and makes a <bdi> of it.

const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Zl}\p{Zp}\u2800]/gu;
// Scripts in which a joiner shapes its neighbours, and emoji, of which most are halves of a pair here.
const JOINING_SCRIPTS = [
  ...["Arabic", "Syriac", "Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu", "Kannada"],
  ...["Malayalam", "Sinhala", "Khmer", "Myanmar"],
].map((name) => `\\p{Script=${name}}`);
const JOINING = new RegExp(`[${JOINING_SCRIPTS.join("")}\\p{Extended_Pictographic}\\ud800-\\udfff]`, "u");
const FIRST_STRONG_ISOLATE = "\u2068";
const POP_ISOLATE = "\u2069";
const WRITTEN = /\u2068([^\u2069]*)\u2069/g;
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** The text with an escape such as "\u202e" for each character that has no look of its own. */
export function escaped(text) {
  return text.replace(UNSEEN, (character, at) => {
    if (joins(character, text[at - 1], text[at + 1])) return character;
    const code = character.codePointAt(0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
  });
}

/** Whether a character shapes its neighbours, as in Persian, in Hindi or in an emoji; between others it would be unseen. */
function joins(character, before = "", after = "") {
  if (character === "\ufe0f") return JOINING.test(before);
  const isJoiner = character === "\u200c" || character === "\u200d";
  return isJoiner && (before === "\ufe0f" || JOINING.test(before)) && JOINING.test(after);
}

/** The text as a part of a sentence; it is for element, setText and plainly, which know its two marks. */
export function written(text) {
  return text === "" ? "" : `${FIRST_STRONG_ISOLATE}${escaped(text)}${POP_ISOLATE}`;
}

/** A sentence for where there are no elements: a title, an attribute, an option. It keeps the marks that do something. */
export function plainly(sentence) {
  return sentence.replace(WRITTEN, (marked, text) => (RIGHT_TO_LEFT.test(text) ? marked : text));
}

/** A sentence without any marks, as its elements read together. */
export function unmarked(sentence) {
  return sentence.replace(WRITTEN, "$1");
}

/** A sentence in parts, those that were written at the odd places. */
export function partsOf(sentence) {
  return sentence.split(WRITTEN);
}
