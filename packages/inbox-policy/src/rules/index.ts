// Rules and host lists of the administrator.
export { BUILTIN_NAMES, type BuiltinName } from './builtin/names.ts';
export { BUILTIN_SETS, type BuiltinSet } from './builtin/sets.ts';
export { type Capture, type CaptureInput, createCapture, parseCapture, type ParsedCapture, type Replayable, replayable } from './capture/capture.ts';
export { redactActivity } from './capture/redact.ts';
export { type Change, createReplayer, type Replay, type Replayer } from './capture/replay.ts';
export { KINDS, type KindRow, OPERATORS, type Operator } from './conditions/operators.ts';
export { type FieldFacts, type Fields, type FieldValue, LATE_FACTS, type LateFact, type LateFacts, type Relationship, type Software, fieldsOf } from './fields/fields.ts';
export { FIELDS, type FieldKind, type FieldName, type FieldRow, HEADER_FIELD } from './fields/table.ts';
export { rulesFileJsonSchema } from './file/json-schema.ts';
export { parseRulesFile } from './file/parse.ts';
export { type CompiledRules, EMPTY_RULES_FILE, type ListSource, type ListSpec, type Rule, type RuleLimit, type RulesFile } from './file/rules-file.ts';
export { LIMIT_PER, type LimitPer, RULE_ACTIONS, type RuleAction } from './file/schema.ts';
export { type Judgement, judge, type MetLimit, type RuleHit } from './judge.ts';
export { RULES_LIMITS } from './limits.ts';
export { checkActivityHosts, checkHosts, type HostRole } from './lists/check.ts';
export { createHostLists, type HostLists, type MutableHostLists, NO_HOST_LISTS } from './lists/host-lists.ts';
export { type HostSource, LIST_FORMATS, type ListFormat, parseHostSource, type SourceRules } from './lists/source.ts';
