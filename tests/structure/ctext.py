"""C source as text: what the structure tests need of a C parser and no more."""
import re

_TOKEN = re.compile(
    r"""/\*.*?\*/|//(?:\\\n|[^\n])*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)


def blank(text, keep_strings=False):
    """The text with comments (and strings, unless kept) turned to blanks; line numbers stay."""

    def replace(match):
        token = match.group(0)
        if token[0] in "\"'":
            if keep_strings:
                return token
            return token[0] + " " * (len(token) - 2) + token[0]
        return re.sub(r"[^\n]", " ", token)

    return _TOKEN.sub(replace, text)


def includes(text):
    """(line number, name, quoted?) of each #include."""
    for number, line in enumerate(blank(text, keep_strings=True).split("\n"), 1):
        match = re.match(r'\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', line)
        if match:
            yield number, match.group(1) or match.group(2), match.group(1) is not None


def calls(text, names):
    """(line number, name) of each call of one of the functions."""
    pattern = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(map(re.escape, names)))
    for number, line in enumerate(blank(text).split("\n"), 1):
        for match in pattern.finditer(line):
            yield number, match.group(1)


def _without_directives(text):
    return re.sub(r"(?m)^[ \t]*#(?:\\\n|[^\n])*",
                  lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)


def _without_parentheses(text):
    while True:
        shorter = re.sub(r"\([^()]*\)", "", text)
        if shorter == text:
            return text
        text = shorter


def functions(text):
    """(name, first line, lines) of each function definition, from its head to its closing brace."""
    code = _without_directives(blank(text))
    depth = 0
    head_start = 0
    function = None
    for position, char in enumerate(code):
        if char == "{":
            if depth == 0:
                head = code[head_start:position]
                if head.rstrip().endswith(")") and "=" not in _without_parentheses(head):
                    name = re.findall(r"(\w+)\s*\(", head)
                    start = head_start + len(head) - len(head.lstrip())
                    function = (name[0] if name else "?", code.count("\n", 0, start) + 1)
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                if function is not None:
                    last = code.count("\n", 0, position) + 1
                    yield function[0], function[1], last - function[1] + 1
                    function = None
                head_start = position + 1
        elif char == ";" and depth == 0:
            head_start = position + 1
