"""Canaries: what tells our own network's trouble from the target's (design/faults.md, "Canaries").

They are looked at in the background once an interval, and at once when a probe asks and no round is fresh; probes that
ask together share a round. A canary that has never sung proves nothing and is not counted, unless the configuration
names it. The name servers in use are put to a test of their own where a name has failed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from monitor.interfaces import Clock
from monitor.prober import network
from monitor.prober.evidence import Round, masked, settles, was_out
from monitor.prober.together import Together
from monitor.prober.witnesses import ANY_NAME, TIMEOUT_MS, Canary, Sign, Steadfast, Witness, by_default, configured
from monitor.probes import Io

__all__ = ["Canaries", "Canary"]

INTERVAL_S = 30.0
SELDOM_NS = 300_000_000_000
"""The default anchor belongs to others: without a reason it is asked every 5 minutes."""

FRESH_NS = 1_000_000_000
OTHER_NAMES = 2
"""Names that our name servers answered last, asked for beside example.com, which closed networks may not know."""

_ROUNDS_KEPT = 64
ROUNDS_TRIED = 4
"""The first may have been under way for others, and two be disturbed."""


class Canaries:
    """The configured canaries; none: the name servers that are used, the default gateway, and `anchor`.

    `undisturbed` says whether we ourselves ran as we should since a monotonic instant: a round of which that is not
    true proves nothing.
    """

    def __init__(
        self,
        clock: Clock,
        io: Io,
        named: Sequence[Canary],
        anchor: Canary | None = None,
        undisturbed: Callable[[int], bool] = lambda since_ns: True,
    ) -> None:
        self._clock = clock
        self._undisturbed = undisturbed
        self._named, self._anchor = tuple(named), anchor
        self._io = self._steadfast(io)
        self._servers = io.resolver
        self._asked: tuple[Witness, ...] | None = None
        self._answered: set[str] = set()
        self._signs: Mapping[str, bool] = {}
        self._rounds: deque[Round] = deque(maxlen=_ROUNDS_KEPT)
        self._masking: Round | None = None
        self._seldom_ns = -SELDOM_NS
        self._waited_for = False
        self._look = Together(self._look_around)
        self._deaf: tuple[int, bool] = (-1, False)
        self._listen = Together(self._listen_around)
        self._but = ""

    @property
    def signs(self) -> Mapping[str, bool]:
        """The canaries that count, and whether each sang when it was last asked."""
        return self._signs

    async def run(self) -> None:
        """Looks once an interval until it is cancelled."""
        while True:
            await self._look()
            if self._named:  # else the name servers are canaries themselves
                await self._any_answer([ANY_NAME])
            await asyncio.sleep(INTERVAL_S)

    async def own_network_out(self, began_ns: int, window_ns: int) -> Round | None:
        """The round that shows our own network out around a probe that began at `began_ns` and has just failed; None:
        it was not.

        `window_ns` is the check's interval: what failed up to one before the probe still counts. What sang when the
        probe began proves nothing of a network that went away under it: a round of the last second is needed.
        """
        if not await self.settle(began_ns):
            now = self._clock.monotonic_ns()
            return Round(now, now, 0, (), "self_overload")
        return was_out(self._rounds, began_ns - window_ns)

    async def settle(self, began_ns: int) -> bool:
        """Waits for a round that can say something of a probe that began at `began_ns` and has just ended; False:
        there is none to be had, because we cannot look in peace ourselves."""
        fresh_from = max(began_ns, self._clock.monotonic_ns() - FRESH_NS)
        for _ in range(ROUNDS_TRIED):
            if settles(self._rounds, fresh_from):
                return True
            self._waited_for = True
            await self._look()
        return settles(self._rounds, fresh_from)

    @property
    def looked(self) -> bool:
        """Whether there has been a round: before it nothing is known of our own network."""
        return bool(self._rounds)

    @property
    def masking(self) -> Round | None:
        """The newest look of the web canaries, where somebody else answered in their place; None: they are themselves,
        as far as anybody knows."""
        return self._masking

    async def resolvers_deaf(self, began_ns: int, name: str) -> bool:
        """Whether none of our name servers answers for any other name than this one, which has just failed."""
        fresh_from = max(began_ns, self._clock.monotonic_ns() - FRESH_NS)
        while self._deaf[0] < fresh_from:
            self._but = name
            await self._listen()
        return self._deaf[1]

    async def reload(self, io: Io, named: Sequence[Canary], anchor: Canary | None = None) -> None:
        """Other canaries from the next round on."""
        before, self._io, self._servers = self._io, self._steadfast(io), io.resolver
        self._named, self._anchor = tuple(named), anchor
        self._asked = None
        self._masking = None
        await before.resolver.aclose()

    async def aclose(self) -> None:
        """Ends the round under way."""
        await self._look.aclose()
        await self._listen.aclose()
        await self._io.resolver.aclose()

    def _steadfast(self, io: Io) -> Io:
        return replace(io, resolver=Steadfast(io.resolver.servers, self._clock.monotonic_ns))

    async def _look_around(self) -> None:
        asked = self._asked = self._asked or self._all()  # a reload may change them while they are asked
        began = self._clock.monotonic_ns()
        if not self._waited_for and self._masking is None and began - self._seldom_ns < SELDOM_NS:
            asked = tuple(witness for witness in asked if not witness.seldom)
        else:
            self._waited_for, self._seldom_ns = False, began
        signs = await asyncio.gather(*[witness.look() for witness in asked])
        if self._undisturbed(began):
            self._keep(began, dict(zip(asked, signs, strict=True)))

    def _keep(self, began: int, seen: Mapping[Witness, Sign]) -> None:
        self._answered.update(witness.name for witness, sign in seen.items() if sign.sang)
        counted = {witness: sign for witness, sign in seen.items() if witness.named or witness.name in self._answered}
        failed = tuple(witness.name for witness, sign in counted.items() if not sign.sang)
        masks = [sign.mask for witness, sign in counted.items() if witness.web]
        round_ = Round(began, self._clock.monotonic_ns(), len(counted), failed, network.shortage(), masked(masks))
        self._rounds.append(round_)
        if masks:
            self._masking = round_ if round_.mask else None
        self._signs = {**self._signs, **{witness.name: sign.sang for witness, sign in counted.items()}}

    async def _listen_around(self) -> None:
        began = self._clock.monotonic_ns()
        names = [name for name in (ANY_NAME, *self._servers.answered_names) if name != self._but][: 1 + OTHER_NAMES]
        self._deaf = began, not await self._any_answer(names)

    async def _any_answer(self, names: Sequence[str]) -> bool:
        """Whether one of our name servers answers for one of the names; each one learns whether it lives."""
        asked = [upstream.answers(name, TIMEOUT_MS / 1000) for upstream in self._servers.upstreams for name in names]
        return any(await asyncio.gather(*asked))

    def _all(self) -> tuple[Witness, ...]:
        self._signs = {}
        if self._named:
            return tuple(configured(canary, self._io) for canary in self._named)
        return tuple(by_default(self._io, self._servers.upstreams, self._anchor))
