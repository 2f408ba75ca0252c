import random
from reins.facts.fact import asserted, Op, Moment
from reins.facts.graph import Graph
from reins.facts.view import View
from reins.facts.asking import of_source
from reins.facts.paths import path
def seen(ops, names="abcd", m=Moment()):
    v=View([("session",Graph(ops))])
    return [[(h.fact.fact_id,h.valid_from,h.valid_to,h.ended_by,h.retracted) for h in v.at(m).history(n)] for n in names]
for seed in range(3000):
    r=random.Random(seed); ops=[asserted("f",0,"r","is a","functional relation",source="s")]; ids=[]
    for n in range(r.randrange(1,14)):
        k=r.choice(["assert"]*3+["end","retract","restore","rs","rr"]); at=r.randrange(1,9); i=f"o{n}"
        if k=="assert": ops.append(asserted(i,at,r.choice("ab"),r.choice(["r","q"]),r.choice("cd"),source=r.choice("ST"),valid_from=r.choice([None,1,3,5])));ids.append(i)
        elif k in("rs","rr"): ops.append(Op(id=i,op="retract" if k=="rs" else "restore",at=at,source=r.choice("ST")))
        elif ids: ops.append(Op(id=i,op=k,at=at,fact_id=r.choice(ids),valid_to=r.randrange(1,9) if k=="end" else None))
    base=seen(ops); sh=ops*2; r.shuffle(sh)
    def norm(x): return [sorted(y,key=repr) for y in x]
    assert norm(seen(sh))==norm(base),("order",seed)
    back=ops+[Op(id="x",op="retract",at=20,source="S"),Op(id="y",op="restore",at=21,source="S")]
    assert seen(back)==base,("restore",seed)
    k=r.randrange(1,9); past=[o for o in ops if o.at<=k]
    assert norm(seen(ops,m=Moment(None,k)))==norm(seen(past)),("as_of",seed)
    v=View([("session",Graph(ops))])
    for t in range(0,12):
        for s in "ab":
            objs={h.fact.object for h in v.at(Moment(t)).about(s,"r") if h.fact.subject==s}
            assert len(objs)<=1,("functional",seed,t,s,objs)
print("laws held")
