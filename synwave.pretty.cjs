// How pino-pretty shows the log to people: `synwave ... --log - | pino-pretty --config synwave.pretty.cjs`.
'use strict';

/** What stands in the tag column; a segment shows its direction, everything else its kind. */
function tagOf(record) {
  if (record.ev === 'seg') return record.dir === 'in' ? '  <--' : '  -->';
  return String(record.ev ?? '')
    .toUpperCase()
    .padEnd(5);
}

function messageFormat(record, messageKey) {
  const message = record[messageKey] ?? '';
  if (record.ev === undefined) return String(message);
  const worker = record.worker === undefined ? '' : `${record.worker}:`;
  const connection = (worker + (record.conn ?? '')).padEnd(4);
  const rule = record.ev === 'state' && record.rule ? `  [${record.rule}]` : '';
  return `${connection} ${tagOf(record)}  ${message}${rule}`;
}

module.exports = {
  hideObject: true,
  translateTime: 'SYS:HH:MM:ss.l',
  messageFormat,
};
