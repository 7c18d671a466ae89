// SPDX-License-Identifier: Apache-2.0
// HTML's characters, and the names that headings get for links: as GitHub makes them, so that one link works in both places.
const marks = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export const escape = (text) => text.replace(/[&<>"]/g, (c) => marks[c]);
export const unescape = (html) => html.replace(/&(amp|lt|gt|quot);/g, (m) => Object.keys(marks).find((c) => marks[c] === m));
export const plain = (html) => unescape(html.replace(/<[^>]*>/g, ''));
export const slug = (words) => words.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').trim().replace(/\s/g, '-');
