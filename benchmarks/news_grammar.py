"""A grammar of invented news: endless articles about invented people in named states.

Nothing here is taken from any article. Each sentence frame has several slots with dozens of
fillers, so that two independent articles share hardly a run of four words.
"""

from __future__ import annotations

import re
from random import Random
from typing import Final

STATES: Final = (
    "Veldania Torrin Arvena Maskel Oster Quillon Brasel Dorvia Estmark Fenwald Galdor Hestia Ilmar "
    "Jorvik Kasmere Lundria Mervale Norath Ostrava Pelmont Rovina Sarnia Teldor Ulmar Varden Westmere "
    "Yarrow Zelmia Cordova Drennan Ellmore Farrow Grentia Holmark Istria Kelland Lorvane Montara"
).split()
CITIES: Final = (
    "Port Sarn,Kelburg,Old Haven,Marrow,Tessel,Vintry,Dunmere,Aldport,Brackwater,Carrow,Estholm,Ferring,"
    "Gollan,Harwick,Inverel,Jessom,Kirrin,Lanmouth,Mossgate,Nethering,Orford,Penzick,Quay,Rillington"
).split(",")
FIRST: Final = (
    "Ilsa Jonas Marta Pavel Lena Tomas Greta Anton Mira Oskar Nadia Viktor Elin Rafael Sofia Hugo Clara "
    "Emil Petra Lukas Irena Marek Dana Felix Rosa Stefan Ada Bruno Vera Karl"
).split()
LAST: Final = (
    "Brandt Oduya Marsh Keller Novik Sorel Tanaka Vance Ibsen Moreau Castell Drummond Falk Hollis Jarvis "
    "Kovar Lindqvist Mancini Norris Okafor Pryce Quist Reyes Salter Thorne Ullman Verhoeven Wexler Zoric "
    "Ashford Bellamy Corrigan Devlin Ekström"
).split()

RULES: Final[dict[str, tuple[str, ...]]] = {
    "office": (
        "foreign minister",
        "trade minister",
        "defence minister",
        "interior minister",
        "prime minister",
        "deputy premier",
        "finance minister",
        "energy minister",
        "chief negotiator",
        "army chief",
        "central bank governor",
        "opposition leader",
        "parliament speaker",
        "transport commissioner",
    ),
    "body": (
        "parliament",
        "the cabinet",
        "the security council",
        "the high court",
        "the port authority",
        "the customs service",
        "the statistics office",
        "the miners' union",
        "the harbour board",
        "the fisheries agency",
        "the election commission",
        "the coast guard",
        "the central bank",
        "the audit chamber",
        "the railway operator",
        "the grid operator",
        "the farmers' league",
    ),
    "issue": (
        "the {adj} {thing}",
        "a {adj} {thing}",
        "the {thing} on {goods}",
        "plans for a {adj} {thing}",
        "the row over {goods}",
        "rules on {goods}",
        "the {adj} {thing} near {city}",
        "trade in {goods}",
        "access to the {place}",
        "the future of the {place}",
        "funding for the {place}",
    ),
    "adj": (
        "disputed",
        "new",
        "joint",
        "proposed",
        "long-delayed",
        "northern",
        "southern",
        "emergency",
        "draft",
        "revised",
        "temporary",
        "costly",
        "controversial",
        "unsigned",
        "landmark",
        "regional",
        "secret",
        "three-year",
        "maritime",
        "bilateral",
        "stalled",
        "sweeping",
        "limited",
        "overhauled",
        "frozen",
    ),
    "thing": (
        "treaty",
        "toll",
        "pipeline deal",
        "ceasefire",
        "tariff",
        "border crossing",
        "naval base",
        "loan",
        "fishing accord",
        "airspace ban",
        "visa scheme",
        "rail link",
        "power line",
        "prisoner exchange",
        "customs union",
        "embargo",
        "arms pact",
        "water agreement",
        "grain corridor",
        "inspection regime",
        "observer mission",
        "currency swap",
        "drilling licence",
        "radar station",
        "shipping lane",
    ),
    "goods": (
        "steel",
        "wheat",
        "copper ore",
        "timber",
        "natural gas",
        "fertiliser",
        "solar panels",
        "machine parts",
        "cotton",
        "diesel",
        "microchips",
        "frozen fish",
        "sunflower oil",
        "medicines",
        "cement",
        "aluminium",
        "rare metals",
        "used cars",
        "textiles",
        "barley",
        "uranium",
        "olive oil",
        "salt",
        "rubber",
    ),
    "place": (
        "{city} strait",
        "{city} bridge",
        "{city} refinery",
        "eastern valley",
        "upper river",
        "island chain",
        "{city} airfield",
        "free port of {city}",
        "border district",
        "lake district",
        "{city} tunnel",
        "disused mine at {city}",
        "old quarter of {city}",
        "highland plateau",
        "salt flats",
    ),
    "said": (
        "said",
        "told reporters",
        "told parliament",
        "wrote in a letter",
        "argued",
        "added",
        "insisted",
        "told a press briefing in {city}",
        "said in an interview",
        "told state radio",
    ),
    "praise": ("welcomed", "praised", "backed", "endorsed", "hailed", "defended", "applauded"),
    "blame": (
        "criticised",
        "condemned",
        "rejected",
        "denounced",
        "opposed",
        "deplored",
        "attacked",
    ),
    "move": (
        "signed",
        "postponed",
        "reviewed",
        "suspended",
        "ratified",
        "discussed",
        "amended",
        "announced",
        "shelved",
        "tabled",
        "cancelled",
        "renewed",
        "drafted",
        "cleared",
    ),
    "result": (
        "freight rates rose by {pct} percent",
        "{n} vessels were diverted to {city}",
        "some {n} workers were sent home",
        "queues of {n} lorries formed outside {city}",
        "prices of {goods} climbed {pct} percent within {small} weeks",
        "insurers added {pct} percent to premiums",
        "the exchange in {city} closed {small} hours early",
        "{small} banks froze new credit",
        "stocks of {goods} fell to {n} tonnes",
        "schools in {city} stayed shut for {small} days",
        "electricity was rationed in {small} districts",
        "the ferry line to {city} lost {pct} percent of its bookings",
    ),
    "when": ("on {day}", "late on {day}", "early on {day}", "on {day} evening", "on {day} morning"),
    "past": (
        "{small} years ago",
        "last spring",
        "in {year}",
        "{small} months ago",
        "last autumn",
        "before the war of {year}",
        "under the previous government",
        "after the flood of {year}",
    ),
    "group": (
        "fishermen",
        "lorry drivers",
        "students",
        "pensioners",
        "dock workers",
        "farmers",
        "nurses",
        "miners",
        "hauliers",
        "shipowners",
        "exporters",
        "veterans",
        "teachers",
        "fruit growers",
        "engineers",
    ),
    "verdict": (
        "a step back",
        "a costly mistake",
        "long overdue",
        "a matter of survival",
        "an open question",
        "a test of patience",
        "a gift to smugglers",
        "the least bad choice",
        "bad for {goods} growers",
        "nobody's business but {state}'s",
        "a chance that won't return",
        "hardly a surprise",
    ),
    "quote": (
        "We will not sign {issue} while {state} keeps {n} soldiers at the {place}",
        "Nobody in {city} believes that {issue} can wait another {small} months",
        "Our {group} have paid for {issue} with {pct} percent of their income",
        "{state} must choose between {goods} and {goods}",
        "There is no {adj} {thing} without a {adj} {thing}",
        "I have seen {small} governments promise {issue} and none deliver it",
        "If {state} wants {issue}, it knows the way to {city}",
        "The {group} of {city} deserve better than {issue}",
    ),
    "lead": (
        "The government of {A} said {when} it would {support} {B} over {issue}, ending {small} weeks of silence.",
        "{A} {praise} {B} {when} for its handling of {issue}, hours after {body} {move} {issue}.",
        "{A} {blame} {B} {when} over {issue}, in the sharpest exchange since {issue} {past}.",
        "{office_c} {P} of {A} flew to {city} {when} for talks with {B} about {issue}.",
        "{A} and {B} {move} {issue} {when}, a move that {group} in {city} called {verdict}.",
        "Relations between {A} and {B} turned {when} as {body} {move} {issue} without a vote.",
    ),
    "support": ("back", "support", "stand by", "side with", "assist"),
    "body_sentence": (
        "{office_c} {P} {said} that {issue} was {verdict}.",
        "\u201c{quote},\u201d {P} {said}.",
        "\u201c{quote},\u201d {office} {P} {said} {when}. \u201c{quote}.\u201d",
        "In {city}, {result} after {body} {move} {issue}.",
        "Officials in {B} called {issue} {verdict} and {move} {issue} in turn.",
        "The {adj} {thing} was {move} {past}, when {result}.",
        "According to {body}, {result} and {result}.",
        "{group_c} from {city} marched to the {place} {when} to protest against {issue}.",
        "{A} has {move} {small} similar deals with {state} and {state} since {year}.",
        "A report by {body} put the cost of {issue} at {n} million crowns, or {pct} percent of exports of {goods}.",
        "{P}, who heads {body} in {city}, {said} {group} would feel {issue} within {small} months.",
        "Critics of {office} {P} note that {result} {past}.",
        "Neither {A} nor {B} has said who would pay for the {adj} {thing} at the {place}.",
        "Talks on {issue} resume in {city} in {small} weeks, with {state} as host.",
        "{state} {praise} the decision, while {state} {blame} it and recalled its envoy from {city}.",
        "Since {year}, {n} {group} have left the {place} because of {issue}.",
        "An adviser to {P} {said} {body} had asked for {small} changes to {issue}.",
        "Analysts at the {LAST} Institute expect {result} if {issue} fails.",
        "The {place} handles {pct} percent of {A}'s {goods} and nearly all of its {goods}.",
        "{office_c} {P} has until {day} to answer {body} on {issue}.",
        "Radio in {city} reported that {result}, a claim that {body} disputed.",
        "The dispute began {past}, when {A} {move} {issue} and {result}.",
        "\u201c{quote},\u201d read a banner that {group} hung from the {place}.",
        "For {group}, {issue} remains {verdict}; for {body}, it is {verdict}.",
        "{small_c} members of {body} voted against {issue}, among them {P} and {P}.",
    ),
    "headline": (
        "{A} {praise} {B} over {thing}",
        "{B} and {A} at odds over {goods}",
        "{A} {blame} {B} as {thing} row grows",
        "What the {adj} {thing} means for {B}",
        "{city}: {group} wait for {A}",
        "{thing} talks: {A} makes its move",
        "Analysis: why {A} needs {B}",
        "{group_c} fear {adj} {thing}",
        "{A}'s {office} under fire",
        "{B} stunned by {A}",
    ),
}

SPELLINGS: Final = (
    ("favour", "favor"),
    ("defence", "defense"),
    ("harbour", "harbor"),
    ("criticised", "criticized"),
    ("licence", "license"),
    ("fertiliser", "fertilizer"),
    ("cancelled", "canceled"),
    ("aluminium", "aluminum"),
    ("tonnes", "tons"),
    ("percent", "per cent"),
)
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_SLOT: Final = re.compile(r"\{(\w+)\}")


class Writer:
    """Writes sentences about one event: two states, a few people and places that recur."""

    def __init__(self, random: Random) -> None:
        self.random = random
        one, other = random.sample(STATES, 2)
        self.fixed = {"A": one, "B": other}
        self.people = [f"{random.choice(FIRST)} {random.choice(LAST)}" for _ in range(4)]

    def write(self, symbol: str) -> str:
        """Return one expansion of a rule."""
        return self.fill(self.random.choice(RULES[symbol]))

    def fill(self, pattern: str) -> str:
        """Return the pattern with every slot expanded."""
        return _SLOT.sub(lambda match: self._slot(match.group(1)), pattern)

    def _slot(self, name: str) -> str:
        random = self.random
        if name in self.fixed:
            return self.fixed[name]
        if name.endswith("_c"):
            return _capital(self._slot(name[:-2]))
        plain = {
            "P": lambda: random.choice(self.people),
            "LAST": lambda: random.choice(LAST),
            "state": lambda: random.choice(STATES),
            "city": lambda: random.choice(CITIES),
            "day": lambda: random.choice(DAYS),
            "n": lambda: f"{random.randint(12, 9_800):,}",
            "pct": lambda: str(random.randint(2, 88)),
            "year": lambda: str(random.randint(1970, 2024)),
            "small": lambda: random.choice(
                (
                    "two",
                    "three",
                    "four",
                    "five",
                    "six",
                    "seven",
                    "eight",
                    "nine",
                    "eleven",
                    "twelve",
                )
            ),
        }
        return plain[name]() if name in plain else self.write(name)

    def sentence(self, symbol: str) -> str:
        """Return one sentence, capitalised."""
        return _capital(self.write(symbol))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
