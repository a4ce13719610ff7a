"""speeds.csv and answers.csv as Markdown."""
import csv
import re
import statistics
from collections import defaultdict

from contenders import JOBS, NAMES, peers, precision

PRECISIONS = {"f32": "float32", "bf16": "bf16", "int8": "int8"}
EXTRAS = {"graph": "without XLA", "compiled": "compiled", "batch": "the batch as one",
          "whole": "nothing skipped", "random": "random pixels"}


def processor():
    """What /proc/cpuinfo tells of the first one."""
    facts = {"flags": ""}
    with open("/proc/cpuinfo") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key.strip() == "processor" and value.strip() != "0":
                break
            facts[key.strip()] = value.strip()
    return facts


def machine():
    facts = processor()
    flags = facts["flags"].split()
    known = [name for flag, name in (("avx2", "AVX2"), ("avx512f", "AVX-512"),
                                     ("avx512_bf16", "BF16"), ("avx512_vnni", "VNNI"),
                                     ("avx512_fp16", "FP16"),
                                     ("amx_tile", "AMX")) if flag in flags]
    with open("/proc/meminfo") as file:
        memory = int(file.readline().split()[1]) / 2**20
    return (f"{facts.get('model name', 'unknown processor')} (family {facts.get('cpu family')}, "
            f"model {facts.get('model')}; {', '.join(known)}), {memory:.0f} GiB of memory"
            + (", virtual" if "hypervisor" in flags else ""))


def label(contender, way):
    kind, _, extra = way.partition("-")
    return f"{NAMES[contender]} {PRECISIONS[kind]}" + (f", {EXTRAS[extra]}" if extra else "")


def figure(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


class Speeds:
    def __init__(self, path, work):
        self.values = defaultdict(dict)  # (network, batch, contender, way): {round: images/s}
        self.memory, self.share, self.versions, self.losses = {}, {}, {}, {}
        with open(path, newline="") as file:
            for row in csv.DictReader(file):
                if row["work"] != work:
                    continue
                job = (row["network"], int(row["batch"]))
                key = (*job, row["contender"], row["way"])
                self.values[key][int(row["round"])] = float(row["images_per_second"])
                self.memory[key] = max(self.memory.get(key, 0), float(row["peak_memory_mb"]))
                if row["share_computed"]:
                    self.share[key] = float(row["share_computed"])
                if row["version"]:
                    self.versions[row["contender"]] = row["version"]
                if row["first_loss"]:
                    self.losses[key] = float(row["first_loss"])
        self.jobs = [job for job in JOBS[work] if any(key[:2] == job for key in self.values)]
        leuko = dict.fromkeys(key[2:] for key in self.values if key[2] == "leuko")
        others = [one for one in peers(work) if any(key[2:] == one for key in self.values)]
        self.rows = list(leuko) + others

    def median(self, key):
        return statistics.median(self.values[key].values())

    def best(self, job, of_leuko, allowed, extra=None):
        """The fastest contender whose precision is allowed; extra: leuko's kind of row."""
        keys = [key for key in self.values if key[:2] == job and (key[2] == "leuko") == of_leuko
                and precision(key[3]) in allowed
                and (not of_leuko or (key[3].partition("-")[2] == "random") == (extra == "random"))]
        return max(keys, key=self.median, default=None)


def title(job):
    return f"{job[0]}, batch {job[1]}" if job[1] > 1 else f"{job[0]}, one image"


def grid(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows] + [""]


def speed_table(speeds):
    best = {speeds.best(job, of_leuko, set(PRECISIONS)) for job in speeds.jobs
            for of_leuko in (True, False)}
    rows = []
    for contender, way in speeds.rows:
        cells = [label(contender, way)]
        for job in speeds.jobs:
            key = (*job, contender, way)
            if key not in speeds.values:
                cells.append("")
                continue
            values, mark = speeds.values[key].values(), "**" if key in best else ""
            cells.append(f"{mark}{figure(speeds.median(key))}{mark} ({figure(min(values))} to "
                         f"{figure(max(values))})")
        rows.append(cells)
    return grid(["images a second"] + [title(job) for job in speeds.jobs], rows)


def ratio(speeds, a, b):
    """Of medians, and the range of the rounds that both took part in."""
    if a is None or b is None:
        return ""
    rounds = speeds.values[a].keys() & speeds.values[b].keys()
    each = sorted(speeds.values[a][n] / speeds.values[b][n] for n in rounds)
    text = f"**{speeds.median(a) / speeds.median(b):.2f}**"
    if each:
        text += f" ({each[0]:.2f} to {each[-1]:.2f})"
    return f"{text}, {label(*b[2:])}"


def ratio_table(speeds):
    everything, wide = {"f32", "bf16", "int8"}, {"f32", "bf16"}
    asked = [("leuko / best peer", everything, ""),
             ("at most 16 bits each: leuko / best 16- or 32-bit peer", wide, ""),
             ("float32 each: leuko / best float32 peer", {"f32"}, ""),
             ("random pixels: leuko / best peer", everything, "random"),
             ("random pixels, at most 16 bits each", wide, "random")]
    rows = []
    for text, allowed, extra in asked:
        cells = [ratio(speeds, speeds.best(job, True, allowed, extra),
                       speeds.best(job, False, allowed)) for job in speeds.jobs]
        if any(cells):
            rows.append([text] + cells)
    return [] if not rows else grid(["ratio of medians (round by round), to whom"]
                + [title(job) for job in speeds.jobs], rows)


def memory_table(speeds):
    jobs = [job for job in speeds.jobs if job[1] > 1]
    rows = [[label(*one)] + [f"{speeds.memory[*job, *one]:,.0f}" if (*job, *one) in speeds.memory
                             else "" for job in jobs]
            for one in speeds.rows if not one[1].endswith("-random")]
    return grid(["peak memory, MB, without the cells"] + [title(job) for job in jobs], rows)


def answer_table(path):
    with open(path, newline="") as file:
        found = list(csv.DictReader(file))
    networks = list(dict.fromkeys(row["network"] for row in found))
    values = {(row["network"], row["contender"], row["way"]): row for row in found}
    rows = []
    for one in dict.fromkeys((row["contender"], row["way"]) for row in found):
        cells = [label(*one)]
        for network in networks:
            row = values.get((network, *one))
            cells.append("" if row is None else
                         f"{float(row['largest']):.1g}, {float(row['median']):.1g}, "
                         f"{100 * float(row['agree']):.4g} %"
                         + ("" if row["good"] == "True" else " **other answers**"))
        rows.append(cells)
    cells = found[0]["cells"] if found else "0"
    return [f"Probabilities beside PyTorch's in float64 on {cells} of the cells: largest and median "
            "difference, equal answers.", "",
            *grid(["answers"] + networks, rows)]


def loss_table(speeds):
    rows = [[label(*one)] + [f"{speeds.losses[*job, *one]:.5f}" if (*job, *one) in speeds.losses
                             else "" for job in speeds.jobs]
            for one in speeds.rows if any((*job, *one) in speeds.losses for job in speeds.jobs)]
    return grid(["loss of the first step"] + [title(job) for job in speeds.jobs], rows)


def markdown(out, options):
    speeds = Speeds(out / "speeds.csv", options.work)
    what = ("Predicting" if options.work == "predict" else
            "Training all layers (forward, backward, Adam)")
    rounds = max((len(values) for values in speeds.values.values()), default=0)
    lines = [f"{what}; {machine()}; {options.threads} threads, {rounds} "
             f"round{'s' if rounds != 1 else ''} of {options.seconds:g} s a measurement: medians, "
             "lowest and highest." + "".join(f" {version}." for version in speeds.versions.values()),
             ""]
    lines += speed_table(speeds) + ratio_table(speeds)
    shares = {key[0]: share for key, share in speeds.share.items() if share < 1}
    if shares:
        text = ", ".join(f"{network} {100 * share:.0f} %" for network, share in shares.items())
        lines += [f"Share of its work that leuko computes of these cells: {text}.", ""]
    lines += memory_table(speeds)
    if options.work == "predict":
        lines += answer_table(out / "answers.csv")
    elif speeds.losses:
        lines += loss_table(speeds)
    return "\n".join(lines)


def insert(document, work, text):
    """Replaces what stands between the marks of that work."""
    begin, end = f"<!-- bench/peers: {work} -->", f"<!-- bench/peers: end of {work} -->"
    with open(document) as file:
        old = file.read()
    if begin not in old or end not in old:
        raise SystemExit(f"run.py: {document} has no marks {begin} and {end}")
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    new = re.sub(pattern, lambda _: f"{begin}\n{text}\n{end}", old, flags=re.DOTALL)
    with open(document, "w") as file:
        file.write(new)
