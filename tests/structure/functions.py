"""No function is longer than 80 lines, from its head to its closing brace."""
import ctext
import includes

LIMIT = 80


def faults(root):
    found = []
    for path in includes.sources(root):
        for name, line, length in ctext.functions(includes.read(root, path)):
            if length > LIMIT:
                found.append(f"{path}:{line}: {name} has {length} lines; at most {LIMIT}")
    return found
