import random, time, resource
from reins.facts.fact import asserted
from reins.facts.graph import Graph
from reins.facts.view import View
from reins.facts.paths import path
import tracemalloc
rng = random.Random(1)
N=100_000; E=10_000
import sys
if len(sys.argv)>1: tracemalloc.start()
def ops():
    for n in range(N):
        yield asserted(f"{n:032x}", 1_700_000_000_000_000+n, f"entity {rng.randrange(E)}", f"rel {n%20}", f"entity {rng.randrange(E)}", source=f"doc {n%500}")
t=time.perf_counter(); g=Graph(ops()); print("build", time.perf_counter()-t)
print(g.size_bytes/1e6)
v=View([("session",Graph()),("agent",Graph()),("shared",g)])
from reins.facts.fact import Moment
def p(l): l=sorted(l); return f"p50 {l[len(l)//2]*1e3:.2f} p99 {l[int(len(l)*.99)]*1e3:.2f}"
for m in (Moment(), Moment(1_800_000_000_000_000)):
    l=[]
    for _ in range(500):
        t=time.perf_counter(); v.at(m).about(f"entity {rng.randrange(E)}"); l.append(time.perf_counter()-t)
    print("about", p(l))
    l=[];n=[]
    for _ in range(200):
        t=time.perf_counter(); r=path(v.at(m), f"entity {rng.randrange(E)}", f"entity {rng.randrange(E)}"); l.append(time.perf_counter()-t); n.append(-1 if r is None else len(r.facts))
    print("path max", max(l)); print("path", p(l), sorted(n)[0], sum(n)/len(n), max(n))
