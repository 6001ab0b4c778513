"""Flame graphs: stacks as nested bars whose width is their share of the samples, as an SVG without scripts."""

from xml.sax.saxutils import escape

WIDTH = 1600
ROW = 15
HEAD = 34
# Narrower ones are not drawn.
PIXELS_MIN = 0.6
CHARACTER = 6.6

KERNEL, NATIVE, JAVA, JVM = "#e8945a", "#d7b24c", "#7fb46a", "#8fa6c9"


class Node:
    """A function under its callers."""

    def __init__(self):
        self.samples = 0
        self.callees = {}


def tree(stacks):
    """{"a;b": samples} as nested nodes."""
    root = Node()
    for stack, samples in stacks.items():
        node = root
        node.samples += samples
        for frame in stack.split(";"):
            node = node.callees.setdefault(frame, Node())
            node.samples += samples
    return root


def colour(name):
    if name.endswith("_[k]"):
        return KERNEL
    if "::" in name and "." not in name.split("::")[0]:
        return JVM
    return JAVA if "." in name or "::" in name else NATIVE


def depth(node):
    return 1 + max((depth(callee) for callee in node.callees.values()), default=0)


def bars(node, name, x, level, scale, top, out):
    width = node.samples * scale
    if width < PIXELS_MIN:
        return
    y = top - level * ROW
    share = f"{100 * width / WIDTH:.2f} %"
    fits = int(width / CHARACTER)
    text = escape(name[:fits]) if fits >= 3 else ""
    out.append(
        f'<g><title>{escape(name)}: {share}</title><rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 1}" '
        f'fill="{colour(name)}"/>' + (f'<text x="{x + 2:.1f}" y="{y + 11}">{text}</text>' if text else "") + "</g>")
    for callee, below in sorted(node.callees.items()):
        bars(below, callee, x, level + 1, scale, top, out)
        x += below.samples * scale


def write(path, title, stacks):
    """One picture of all stacks."""
    root = tree(stacks)
    height = HEAD + depth(root) * ROW + 8
    out = []
    x, scale = 0.0, WIDTH / max(1, root.samples)
    for name, node in sorted(root.callees.items()):
        bars(node, name, x, 0, scale, height - ROW - 4, out)
        x += node.samples * scale
    legend = "".join(
        f'<rect x="{WIDTH - 420 + i * 105}" y="8" width="12" height="12" fill="{fill}"/><text x="{WIDTH - 404 + i * 105}" y="18">{name}</text>'
        for i, (name, fill) in enumerate((("kernel", KERNEL), ("native", NATIVE), ("Java", JAVA), ("JVM", JVM))))
    with open(path, "w", encoding="utf-8") as file:
        file.write(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="monospace" font-size="11">'
            f'<rect width="100%" height="100%" fill="#fff"/><text x="8" y="20" font-size="15">{escape(title)}: '
            f'{root.samples} samples</text>{legend}' + "\n".join(out) + "</svg>\n")
