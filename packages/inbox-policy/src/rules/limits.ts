// Maxima of the rules file and of the lists it names.

export const RULES_LIMITS = {
  fileBytesMax: 256 * 1024,
  rulesMax: 256,
  comparisonsMax: 64,
  nestingMax: 8,
  /** Values of one `in`, `overlaps`, `contains` or `regex`. */
  valuesMax: 1_000,
  valueCharsMax: 256,
  /** Texts of `contains` in the whole file: each is looked for in up to 64 KiB. */
  needlesMax: 2_048,
  patternCharsMax: 512,
  patternsMax: 64,
  /** Comparisons with `regex` in the whole file: each has tables of up to 1 MiB. */
  regexesMax: 64,
  /** Instructions of one compiled expression and of all: the time of one activity grows with them. */
  programMax: 256,
  programsMax: 4_096,
  reasonCharsMax: 300,
  /** Rules with the action `limit`: each that is met costs a look into a table. */
  limitRulesMax: 16,
  /** Activities per minute of such a rule, and at once: above, the budgets of check 28 are spent first. */
  limitPerMinuteMax: 60_000,
  limitBurstMax: 60_000,
  listsMax: 16,
  /** Hosts of one list. */
  hostsMax: 100_000,
  /** Hosts written into the rules file itself. */
  inlineHostsMax: 5_000,
  listBytesMax: 4 * 1024 * 1024,
  urlCharsMax: 2_048,
  refreshSecondsMin: 300,
  refreshSecondsMax: 7 * 86_400,
  refreshSecondsDefault: 6 * 3_600,
} as const;

/** Characters of one text that an expression sees. */
export const REGEX_TEXT_MAX = 8_192;
/** Characters of one text in the form for `contains`; the compatibility form of a character can be 18 characters long. */
export const FOLDED_TEXT_MAX = 65_536;
