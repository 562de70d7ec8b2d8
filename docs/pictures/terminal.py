"""What a terminal shows, as SVG: reads lines from standard input, those that begin with "$ " are bold.

usage: terminal.py COLUMNS > terminal.svg
"""
import html
import sys

WIDTH, HEIGHT, EDGE = 7.25, 17, 14  # of a character, of a line, around
STATUS = {" ok ": "#3fb950", " failed ": "#f85149", " skipped ": "#d29922"}


def kept(text: str) -> str:
    """Text in which no blank is taken for white space."""
    return html.escape(text, quote=False).replace(" ", "\u00a0")


def styled(line: str) -> str:
    if line.startswith("$ "):
        return f'<tspan fill="#79c0ff" font-weight="bold">{kept(line)}</tspan>'
    for word, colour in STATUS.items():
        before, found, after = line.partition(word)
        if found:
            return f'{kept(before)}<tspan fill="{colour}">{kept(word)}</tspan>{kept(after)}'
    return kept(line)


def main(columns: int) -> None:
    lines = [line.rstrip("\n") for line in sys.stdin]
    lines = [line if len(line) <= columns else line[: columns - 1] + "…" for line in lines]
    width, height = int(columns * WIDTH + 2 * EDGE), len(lines) * HEIGHT + 2 * EDGE
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">')
    print(f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>')
    print('<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,\'DejaVu Sans Mono\',monospace" font-size="12" fill="#c9d1d9">')
    for number, line in enumerate(lines):
        if line:
            print(f'<text x="{EDGE}" y="{EDGE + 12 + number * HEIGHT}" textLength="{len(line) * WIDTH:.1f}" lengthAdjust="spacingAndGlyphs">{styled(line)}</text>')
    print("</g>\n</svg>")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(int(sys.argv[1]))
