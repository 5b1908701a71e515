"""What was measured as a table, as JSON, as a chart and on a page."""
import dataclasses
import html
import json
import os
import statistics


def number(value):
    """Three digits that mean something."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


@dataclasses.dataclass
class Result:
    """One row with its figures."""
    row: object
    text: str
    medians: dict
    ratio: float = None  # to the peer; above 1 ours is better
    met: bool = None  # the target; None: there is none, or no peer
    share: float = None  # of the machine's limit

    def aim(self):
        row, out = self.row, []
        if row.target:
            out.append(f"{row.target:g}×" + f" {row.peer}" * bool(row.peer))
        if row.most:
            out.append(f"≤ {row.most:g} {row.unit}")
        if row.than:
            out.append(f"≤ {row.than[1]:g} × {row.than[2]}")
        if row.share:
            out.append(f"{100 * row.share:g} % of the limit")
        return ", ".join(out)


class Report:
    def __init__(self, name, suite, module, bench, machine):
        self.name, self.title, self.machine, self.options = name, module.TITLE, machine, bench.options
        self.values, self.about = bench.values, suite.describe()
        known = [side.name for side in suite.sides]
        self.sides = [s for s in getattr(module, "SIDES", ["postern", "Dovecot"]) if s in known]
        peer = getattr(module, "PEER", "Dovecot")
        self.peer = peer if peer in self.sides else None
        medians = {key: {side: statistics.median(v) for side, v in by.items()} for key, by in self.values.items()}
        n = getattr(suite, "messages", 0)
        self.results = [self.result(row, n, medians) for row in module.ROWS if "postern" in medians.get(row.key, {})]

    def result(self, row, n, medians):
        mine = medians[row.key]
        r = Result(row, row.named(n), mine)
        ours, theirs = mine.get("postern"), mine.get(row.peer or self.peer)
        if ours and theirs and row.unit != "%":
            r.ratio = theirs / ours if row.less() else ours / theirs
        conditions = [row.target <= r.ratio] if row.target and r.ratio else []
        if row.most:
            conditions.append(ours <= row.most)
        if row.than and row.than[0] in medians:
            conditions.append(ours <= row.than[1] * medians[row.than[0]]["postern"])
        if row.limit and ours:
            rate = row.count(n) * (1000 / ours if row.unit == "ms" else ours)
            r.share = rate / self.machine["limits"][row.limit]
            if row.share:
                conditions.append(r.share >= row.share)
        if conditions:
            r.met = all(conditions)
        return r

    # ---- forms

    def heads(self):
        return ["work", "unit", *self.sides, *(["ratio"] if self.peer else []), "at least", "met", "of the machine's limit"]

    def cells(self, r):
        met = {True: "yes", False: "NO", None: ""}[r.met]
        share = f"{100 * r.share:.0f} % ({r.row.limit})" if r.share is not None else ""
        ratio = [number(r.ratio) if r.ratio else ""] if self.peer else []
        return [r.text, r.row.unit, *(number(r.medians.get(s)) for s in self.sides), *ratio, r.aim(), met, share]

    def table(self):
        """For a terminal."""
        rows = [self.heads(), *map(self.cells, self.results)]
        width = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        left = (0, 1, len(width) - 1)
        return "\n".join("  ".join(c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in enumerate(zip(row, width))).rstrip()
                         for row in rows)

    def limits(self):
        return ", ".join(f"{what} {value:,.0f}" for what, value in self.machine["limits"].items())

    def conditions(self):
        m = self.machine
        versus = f" beside {m['peer']}" if self.peer else ""
        return (f"Medians of {self.options.rounds} round{'s' * (self.options.rounds > 1)}{versus}, in turn in one run: {self.about}; {m['processors']} processors, "
                f"{m['system']}, {m['file system']}.")

    def json(self):
        rows = [dict(key=r.row.key, work=r.text, unit=r.row.unit, medians=r.medians, peer=r.row.peer or self.peer, ratio=r.ratio, target=r.row.target or None,
                     most=r.row.most or None, than=list(r.row.than) or None, met=r.met, limit=r.row.limit or None,
                     of_limit=r.share, values=self.values[r.row.key]) for r in self.results]
        return json.dumps(dict(suite=self.name, title=self.title, conditions=self.conditions(), machine=self.machine,
                               options=dataclasses.asdict(self.options), sides=self.sides, rows=rows), indent=1, ensure_ascii=False) + "\n"

    def page_part(self):
        heads, out = self.heads(), [self.conditions()]
        if self.peer:
            out += ["", f"![{self.title}: ratios]({self.name}.svg)"]
        out += ["", "| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
        out += ["| " + " | ".join(c.replace("|", "\\|").replace("*", "\\*") for c in self.cells(r)) + " |" for r in self.results]
        return "\n".join(out + ["", f"The machine's own limits in the same run, a second: {self.limits()}.", ""])

    def write(self, directory):
        os.makedirs(directory, exist_ok=True)
        self.put(f"{directory}/{self.name}.json", self.json())
        self.put(f"{directory}/{self.name}.svg", chart(self))
        path = f"{directory}/{self.name}.md"
        page = open(path, encoding="utf-8").read() if os.path.exists(path) else f"# Measured: {self.title}\n"
        begin, end = f"<!-- scripts/bench {self.name} -->\n", "<!-- end -->\n"
        head, found, rest = page.partition(begin)
        tail = rest.partition(end)[2] if found else ""
        self.put(path, (head if found else head + "\n") + begin + self.page_part() + end + tail)

    @staticmethod
    def put(path, text):
        with open(path + ".tmp", "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(path + ".tmp", path)


# ---- the chart: a bar per row, the ratio to the peer on a logarithmic axis

LABEL, BARS, END, LINE, TOP = 460, 370, 70, 24, 62  # pixels: of labels, bars, figures; of a row; above the rows
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 } .small { font-size: 11px; fill: #59636e } .title { font-weight: 600 }
.ground { fill: #ffffff } .grid { stroke: #d1d9e0 } .one { stroke: #59636e } .aim { stroke: #1f2328; stroke-width: 2 }
.yes { fill: #2da44e } .no { fill: #d1242f } .none { fill: #5b8fd6 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .small { fill: #9198a1 } .ground { fill: #0d1117 } .grid { stroke: #30363d } .one { stroke: #9198a1 }
.aim { stroke: #f0f6fc } .yes { fill: #238636 } .no { fill: #b62324 } .none { fill: #3d6fb5 } }
"""


def chart(report):
    """An SVG that stands alone."""
    import math
    rows = [r for r in report.results if r.ratio]
    values = [v for r in rows for v in (r.ratio, r.row.target or 1)] + [0.5, 2]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    height, width = TOP + LINE * len(rows) + 30, LABEL + BARS + END

    def x(value):
        return LABEL + BARS * (math.log10(value) - low) / (high - low)

    def text(at_x, at_y, what, kind="", anchor="start"):
        return f'<text x="{at_x:.1f}" y="{at_y:.1f}" class="{kind}" text-anchor="{anchor}">{html.escape(what)}</text>'

    def line(value, kind, top, bottom):
        return f'<line x1="{x(value):.1f}" x2="{x(value):.1f}" y1="{top}" y2="{bottom}" class="{kind}"/>'

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">',
           f"<title>{html.escape(report.title)}</title><style>{STYLE}</style>",
           f'<rect class="ground" width="{width}" height="{height}"/>',
           text(12, 22, f"{report.title}: how many times better than {report.machine['peer']}" if report.peer
                else f"{report.title}: no peer here", "title"),
           text(12, 41, "logarithmic; a mark is the target; green: met, red: not", "small")]
    for power in range(low, high + 1):
        out += [line(10 ** power, "one" if power == 0 else "grid", TOP - 6, height - 26),
                text(x(10 ** power), height - 10, f"{10.0 ** power:g}", "small", "middle")]
    for i, r in enumerate(rows):
        y, kind = TOP + i * LINE, {True: "yes", False: "no", None: "none"}[r.met]
        left, right = sorted((x(1), x(r.ratio)))
        out += [text(LABEL - 10, y + 14, r.text, anchor="end"),
                f'<rect x="{left:.1f}" y="{y + 3}" width="{max(1, right - left):.1f}" height="{LINE - 8}" class="{kind}"/>',
                text(width - 12, y + 14, number(r.ratio), anchor="end")]
        if r.row.target:
            out.append(line(r.row.target, "aim", y + 1, y + LINE - 3))
    return "\n".join(out + ["</svg>"]) + "\n"
