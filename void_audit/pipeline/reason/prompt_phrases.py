"""Turns of phrase by which a text shows that it is no description: removal talk, negations, commands, openers.

Each is looked for in English and errs towards silence: what people do in a scene ("She removes her coat.", "The sun
disappears behind a hill.", "A boy with a missing tooth") is no removal of ours.
"""

from __future__ import annotations

import re

_ENDS = r"(?=\s*(?:[.,;:!?]|$)|\s+(?:before|previously|standing|sitting|lying|hanging|there|now)\b)"
_CLAUSE = r"[^.,;:!?\n]"
_OWN = r"(?!\s+(?:his|her|their|its)\b)"

_REMOVALS = (
    r"remov(?:ed|al)|delet(?:ed|ion)|eras(?:ed|ure)|eliminat(?:ed|ion)",
    rf"(?:(?:to|you|please|can|could|should|must|will|we|by|after) )(?:remov|delet|eras|eliminat)(?:e|ing)\b{_OWN}",
    r"no longer|any ?more|no more(?! than)",
    r"gone(?! (?:down|up|by|through|into|out|to|on|over|past|off|wild|home|dark|quiet|cold)\b)",
    r"(?:vanish(?:ed|es|ing)?|disappear(?:ed|s|ing|ance)?)(?! (?:into|behind|in|under|beneath|below|around|round|over|"
    r"beyond|through|between|inside|down|from view|out of|points?)\b)",
    r"absent|absence|(?:is|are|was|were|goes|went|now) missing|missing from",
    r"used to (?:be|stand|sit|lie)",
    r"(?:edited|painted|masked|keyed) (?:away|out)|taken away|(?:taken|cut) out of (?:the )?"
    r"(?:scene|shot|frame|picture|video|image|clip|footage)",
    r"inpaint(?:s|ed|ing)?|mask(?:ed)? (?:area|region|part|object|pixels)",
    r"never (?:was|were|been|existed|there)|(?:was|were)(?: not|n['’]t| never) (?:there|here|present)"
    r"|(?:did|does|do)(?: not|n['’]t) exist|had (?:not|never)",
    rf"as (?:if|though)\b{_CLAUSE}{{0,60}}?\b(?:never|not|nobody|nothing|no one|\w{{2,6}}n['’]t)",
    rf"where (?:the|an?|it|he|she|they|his|her|its|their|this|that|these|those)\b{_CLAUSE}{{0,30}}? "
    rf"(?:was|were|had been|stood){_ENDS}",
    r"(?:once|formerly|previously) (?:stood|sat|lay|hung|taken|occupied|held|covered|hidden|blocked|occluded|obscured"
    r"|there|was|were)",
    r"(?:was|were|had been) (?:hidden|covered|blocked|occluded|obscured)",
    rf"background\b{_CLAUSE}{{0,40}}? (?:restored|revealed|reconstructed|recovered|uncovered|filled in|now visible)",
    r"minus (?:the|its|his|her|any|all)",
    r"(?:has|have|had) (?:been (?:taken|painted|cloned|cleaned|cleared) (?:off|out|away|over)"
    r"|left the (?:scene|shot|frame|picture|video|image))",
    r"(?:same|original|unedited) (?:scene|shot|frame|picture|video|image|clip|footage)|as before",
    r"background only|only the background|clean plate of",
    r"without",
)
REMOVAL = re.compile(rf"\b(?:{'|'.join(_REMOVALS)})\b|^\W*(?:remov|delet|eras)ing\b{_OWN}", re.IGNORECASE)
"""What was done, or what was there before."""

NEGATION = re.compile(
    r"\b(?:no one|nobody|nothing|no (?!smoking|parking|entry|stopping|swimming)[^\W\d]\w*|none of the \w+"
    r"|not (?:any|a single) \w+|(?:is not|are not|isn['’]t|aren['’]t) (?:an?|any) \w+"
    r"|(?:empty|free|clear|cleared|devoid) of \w+|lack(?:s|ing) \w+|instead of (?:(?:the|an?) )?\w+)\b",
    re.IGNORECASE,
)
"""What is not there, whatever that is."""

_WHAT = r"(?:the|an?|all|any|this|that|these|those|it|him|her|them|his|everything|everyone|people|sure|me|us|not|rid)\b"
_VERBS = (
    "remove|delete|erase|take|cut|replace|change|make|add|keep|fill|inpaint|paint|edit|show|let|do|ensure|generate|create"
    "|imagine|blur|hide|clean|clear|turn|restore|get|crop|swap|insert|put|cover|mask|render|leave|drop|lose"
)
_BEGINNINGS = (
    r"please\b|(?:can|could|would) (?:you|we)\b|(?:i|we)(?:['’]d)? (?:want|need|would like|like|wish)\b|let['’]s\b",
    r"(?:the|our) (?:task|goal|aim|idea) is\b|(?:remove|delete|erase|eliminate|inpaint)\s+\w",
    r"(?:take|cut|fill|paint|edit|key) (?:out|away|in)\b",
    rf"(?:{_VERBS})(?: (?:up|out|off|away|in))?\s+{_WHAT}",
)
_SHOULD = (
    r"\b(?:should|ought to|needs? to|must) (?:not |no longer )?"
    r"(?:be|look|appear|have|show|stay|remain|become|contain|seem)\b"
)
COMMAND = re.compile(rf"^\W*(?:{'|'.join(_BEGINNINGS)})|{_SHOULD}", re.IGNORECASE)
"""What is to be done, at the beginning of a text; what should be, anywhere."""

OPENER = re.compile(
    r"^\W*(?:(?:this|the|a|an|in (?:this|the))\s+)?(?:short\s+|brief\s+)?"
    r"(?:video(?: clip)?|clip|footage|movie|film|shot|scene|image|picture|photo(?:graph)?|frame)s?"
    r"(?:\s+(?:of|showing|that shows|which shows|shows|depicts|depicting|with)\s+|\s*[:,]\s*(?:we see\s+)?)"
    r"|^\W*we (?:can )?see\s+",
    re.IGNORECASE,
)
"""Words before the scene that say nothing of it."""

WITHOUT = re.compile(r"(?<![\s,])[\s,]+without\s+((?:\w+[ -]){0,4}?\w+)(?=\s*(?:[.,;!?]|$))", re.IGNORECASE)
"""``without the glass`` at the end of a clause, with what precedes it; group 1 is the thing."""
