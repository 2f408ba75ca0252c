"""The voices of the offline model's personas: what each tone says.

`{t}` is the topic, one or many of anything; `{who}` spoke last, `{other}` is asked next, `{tone}`
is the tone in the operator's own words. A *word* in stars may become the next topic.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Voice:
    """`stems` begin the words by which a tone is recognised; the rest is said.

    `verdicts` are yes, no and undecided.
    """

    stems: tuple[str, ...]
    begin: str
    verdicts: tuple[str, str, str]
    answers: tuple[str, ...]
    addresses: tuple[str, ...]
    hand_over: str
    lines: tuple[str, ...]


NOIR = Voice(
    stems=("noir", "detect", "hardboil", "gritty", "gloom"),
    begin="The room was quiet, the way rooms are before somebody says the wrong thing. So I began.",
    verdicts=("Yes, the way rain says yes.", "No, and I have seen it tried.", "Ask me at dawn."),
    answers=(
        "I followed {t} through three streets and an alibi, and this is where the trail ends.",
        "Nobody gets out of {t} with clean shoes, but somebody has to go in.",
        "I would trust {t} as far as the next lamp post, and no further.",
        "There is a file on {t}, and half of its pages are missing: start with those.",
    ),
    addresses=(
        "You ask the kind of thing that gets people followed, {who}.",
        "I heard you, {who}, and so did the wall.",
        "Nice words, {who}.",
        "{who} leaned into the light, and I listened.",
    ),
    hand_over="Your turn under the lamp, {other}.",
    lines=(
        "It had rained all night on {t}. Nobody had brought an *umbrella*, and nobody ever does.",
        "I have seen {t} before, in a cheap hotel, under another *name*.",
        "Everybody talks about {t} as if they had an *alibi*. I count the exits.",
        "They came to me about {t} with a smile and a thin envelope. I kept the *envelope*.",
        "In this town, {t} comes with a *price*, and the receipt is in somebody else's coat.",
        "The *piano* stopped when I mentioned {t}. That told me more than the answer did.",
        "I lit a match and looked at {t} again. It was worse with the light on.",
        "You can ask the *harbour* about {t}, but the harbour has friends.",
        "Somebody wants us to believe the story about {t}. I would like to meet that somebody.",
        "There were two sides to {t}, and I owed *money* to both.",
        "I poured myself a *coffee* as black as the case for {t}. Neither of them got warmer.",
        "The *clock* said midnight and so did the faces. That is when {t} always turns up.",
    ),
)
PIRATE = Voice(
    stems=("pirat", "sail", "nautic", "buccan", "captain"),
    begin="Ahoy! A quiet deck be a bad deck, so hear me first, and grumble after.",
    verdicts=("Aye!", "Nay, by the beard of me aunt!", "Aye and nay, as the wind blows."),
    answers=(
        "I would steer straight for {t}, with one eye on the rocks and the other under the patch.",
        "Any deckhand knows {t} when the wind turns, so haul in and let us see.",
        "There be treasure in {t} for a crew that shares, and a plank for the rest.",
        "I asked the cook about {t}, and he says the same, only louder.",
    ),
    addresses=(
        "Well bellowed, {who}!",
        "Belay that, {who}, and lend an ear.",
        "Ye speak like a first mate, {who}.",
        "Arr, {who}, there be sense in it.",
    ),
    hand_over="Your watch now, {other}!",
    lines=(
        "I sailed seven seas for {t} and came home with a wet *hat*. I would go again.",
        "Bring {t} aboard, says I! We can always make it walk the *plank*.",
        "There be two sorts of sailors: those that fear {t}, and those that sleep on *watch*.",
        "Me *parrot* has a word about {t}. It be not a word for this company.",
        "Mark {t} on the *map* with a cross, and let nobody dig before supper.",
        "A fair wind and a full *barrel*: that be all the argument I need for {t}.",
        "I had a first mate who swore by {t}. We still toast him, every *storm*.",
        "Ye cannot argue with the *tide*, and ye cannot argue with {t} either.",
        "Hoist the colours for {t}! And if it sinks, we never knew it.",
        "The last captain who laughed at {t} be counting *barnacles* now.",
        "Split the *gold* first and talk of {t} after, or the crew gets restless.",
        "I smell land behind {t}. Or it be the *cheese* again.",
    ),
)
POETIC = Voice(
    stems=("poet", "lyric", "romant", "dream", "whims"),
    begin="Silence lies on us like the first snow; I take one careful step into it.",
    verdicts=("Yes, as the river says yes.", "No, the night says, softly.", "Between, like dusk."),
    answers=(
        "Ask the evening about {t}: it answers slowly, and every answer has wings.",
        "I would hold {t} the way one holds a moth, and then open the hand.",
        "What we call {t} is a window, and somebody has breathed on the glass.",
        "The heart knows about {t}, and does not tell the mouth.",
    ),
    addresses=(
        "Your words are still warm, {who}.",
        "I keep that line of yours, {who}.",
        "{who}, you speak as gardens do.",
        "Softly, {who}.",
    ),
    hand_over="Sing us the next line, {other}.",
    lines=(
        "Between {t} and the *moon* there is one thin thread, and tonight somebody plucks it.",
        "I wrote {t} on a leaf and gave it to the *river*. The river is still reading.",
        "How quietly we come to {t}, like *snow* that apologises to the roofs.",
        "Let {t} be a *lantern*, then, and let us be whoever walks behind it.",
        "Every autumn I lose my words about {t}. Every spring a *blackbird* brings some back.",
        "There is a *garden* where nobody argues about {t}. We only have the key.",
        "O {t}, small storm in a blue *teacup*: who taught you to be so loud?",
        "I heard the *rain* rehearse {t} all night. It forgot the ending, as we all do.",
        "Some speak of {t} with a hammer. I would try a *feather*, and patience.",
        "The *sea* keeps a page about {t}, and turns it over whenever we look away.",
        "What if {t} is only the *shadow*, and the bird has long since flown?",
        "Put your ear to {t}: there is an *orchestra* in it, still tuning.",
    ),
)
SCEPTICAL = Voice(
    stems=("scept", "skept", "doubt", "critic", "suspic"),
    begin="Before anybody is certain of anything here: certain of what, exactly?",
    verdicts=(
        "Yes, until somebody shows me the figures.",
        "No, not on this evidence.",
        "I cannot say, and neither can you.",
    ),
    answers=(
        "I would want to see who counted {t}, and what they were paid.",
        "The case for {t} rests on one example, and the example is somebody's cousin.",
        "Show me {t} working on a wet Tuesday, and I will think again.",
        "Much of what is said about {t} was said first and checked never.",
    ),
    addresses=(
        "Is that so, {who}?",
        "I would like to believe you, {who}.",
        "Says who, {who}?",
        "A bold claim, {who}.",
    ),
    hand_over="Convince me, {other}.",
    lines=(
        "I hear a lot of certainty about {t} and see very little *evidence*.",
        "Who measured that? Every *number* about {t} that I ever chased ran into a fog.",
        "Suppose that we are wrong about {t}. What would we expect to see, and has anybody looked?",
        "That is an *anecdote*. I have one about {t} too, and mine says the opposite.",
        "It may be so. It may also be that {t} and the *weather* merely happened on the same day.",
        "Before we praise {t}, who pays for it? There is always an *invoice*.",
        "I have read the small print on {t}. It is the only *print* there is.",
        "Funny how everybody who sells {t} agrees about it. I would ask the *returns* desk.",
        "Let us try the *test* first: what would change your mind about {t}? Mine is listed.",
        "Last year it was something else, this year it is {t}. The *slides* look the same.",
        "I grant you half of that. The other half of {t} rests on a *graph* without axes.",
        "Extraordinary claims about {t} are cheap. I would settle for one ordinary *proof*.",
    ),
)
GRUMPY = Voice(
    stems=("grump", "grouch", "sarcas", "cynic", "angry", "rude", "blunt", "bored"),
    begin="Fine, I will go first. Somebody has to, and it is always me.",
    verdicts=("Yes, if we must.", "No. Next.", "I could not care less, and I have tried."),
    answers=(
        "I said what I think of {t} years ago, and nobody wrote it down.",
        "Leave {t} alone for once, and most of it will fix itself.",
        "In my day, {t} took ten minutes and nobody held a meeting.",
        "You will do as you like about {t} anyway, so do it quietly.",
    ),
    addresses=(
        "Oh, marvellous, {who}.",
        "Must you, {who}?",
        "Spare me, {who}.",
        "I was nearly asleep, {who}.",
    ),
    hand_over="Go on then, {other}, improve on that.",
    lines=(
        "Oh good, {t} again. Wake me when we get to the *biscuits*.",
        "I have been complaining about {t} since before it had a *brochure*.",
        "Everybody has an opinion on {t}. Nobody has a *broom*.",
        "We had a *committee* about {t} once. It is still looking for its chair.",
        "You want to know what is wrong with {t}? Bring a *chair* and a second lunch.",
        "Wonderful. Another evening on {t}, and the *heating* is off.",
        "I do not mind {t}. I mind the *enthusiasm*.",
        "If {t} is the answer, somebody has lost the *question*. Again.",
        "My knee knew about {t} before the *newspapers* did. It was not impressed either.",
        "That is the third good idea about {t} today. My *limit* is two.",
        "They promised that {t} would save time. I have the *queue* ticket here.",
        "Whoever invented {t} never had to carry it up the *stairs*.",
    ),
)
SCHOLARLY = Voice(
    stems=("schol", "academ", "professor", "scient", "pedant", "nerd", "learned", "philosoph"),
    begin="Permit me a preliminary remark; the remarks proper will follow, with footnotes.",
    verdicts=(
        "Yes, with the usual reservations.",
        "No, as the second edition makes clear.",
        "The literature is divided.",
    ),
    answers=(
        "One must distinguish three senses of {t}, of which we have so far used four.",
        "The standard work on {t} runs to two volumes, and the second takes back the first.",
        "A control group for {t} would be welcome, and a larger grant.",
        "The earliest mention of {t} is a marginal note, and it is a complaint.",
    ),
    addresses=(
        "An interesting thesis, {who}.",
        "I should cite you on that, {who}.",
        "If I may refine that, {who}.",
        "{who} anticipates my third chapter.",
    ),
    hand_over="I yield the lectern to {other}.",
    lines=(
        "The *etymology* of {t} is disputed, and so is everything that followed.",
        "I refer to my paper on {t}, which nobody read, and its *footnote*, which everybody did.",
        "Strictly speaking, {t} is a *metaphor*. Loosely speaking, we have been loose.",
        "The Greeks had a word for {t}, and a second one for those who would not stop about it.",
        "A *survey* of {t} found that most respondents wanted to go home.",
        "One should separate {t} as such from the *theory* of it. The theory is the tidier.",
        "There is a school in *Vienna* that denies {t} altogether. It meets on Thursdays.",
        "Consider the limiting case: a world with nothing but {t}. Who would do the *dishes*?",
        "My *hypothesis* on {t} predicts this very discussion, down to the interruption.",
        "The data on {t} fit a straight line, if one removes the *data*.",
        "As early as the second *century* people complained about {t}, and in better Latin.",
        "I have a *diagram* of {t} that explains everything but the arrows.",
    ),
)
FORMAL = Voice(
    stems=("formal", "polite", "offici", "diplom", "professional", "business", "legal", "polit"),
    begin="Ladies and gentlemen, I take the liberty of opening the discussion.",
    verdicts=(
        "I am in favour.",
        "I must respectfully decline.",
        "I should reserve my position for the present.",
    ),
    answers=(
        "With regard to {t}, I recommend a limited trial and a written report.",
        "The matter of {t} deserves care, and above all a clear responsibility.",
        "I should weigh the interests of all whom {t} concerns before a decision is taken.",
        "As to {t}, precedent offers some guidance and no excuse.",
    ),
    addresses=(
        "I thank {who} for that contribution.",
        "With respect, {who}, I should add a point.",
        "I concur with {who} in part.",
        "{who} raises a matter of substance.",
    ),
    hand_over="I should welcome the view of {other}.",
    lines=(
        "On the subject of {t}, I propose that we proceed by *agenda* and not by volume.",
        "I wish it to be noted in the *minutes* that {t} has two sides, both of them documented.",
        "May I suggest a *procedure* for {t}? First the facts, then the costs, then the vote.",
        "The *interests* that {t} touches are legitimate. They are also, I regret, contradictory.",
        "I would submit that {t} calls for a *definition* before it calls for a decision.",
        "There is merit in what was said. A *charter* for {t}, of one page, would secure it.",
        "I am obliged to point out the *deadline*: {t} has been deferred twice already.",
        "Principle is one thing, practice another. On {t}, the *principle* is not at issue.",
        "A *working group* on {t} might report within the month, provided that it is small.",
        "I should be failing in my duty if I let {t} pass without a word on the *budget*.",
        "The *record* shows that we agreed on {t} in spring. I have brought copies.",
        "For the sake of good order, I would treat {t} and the *remainder* separately.",
    ),
)
FRIENDLY = Voice(
    stems=("friend", "warm", "kind", "cheer", "happy", "gentle", "caring", "nice"),
    begin="Hello, everybody! I am glad that we are here; shall I begin?",
    verdicts=("Yes, I think so!", "No, I would rather not.", "I am honestly of two minds."),
    answers=(
        "I would go gently about {t}, but I would go.",
        "What helped me with {t} was to ask those who live with it, and to bring cake.",
        "Start small with {t}, and tell us how it went.",
        "As I see {t}, there is room for everybody who wants a chair.",
    ),
    addresses=(
        "Good to hear you, {who}.",
        "I like that, {who}.",
        "Thank you, {who}.",
        "You have a point, {who}.",
    ),
    hand_over="What do you think, {other}?",
    lines=(
        "With {t}, it is the small things that matter. We could begin with one before *breakfast*.",
        "Most people mean well about {t}. The rest can be asked, over *tea*.",
        "When I think of {t}, I think of a kitchen table with room for one more *chair*.",
        "My *neighbour* says the same about {t}, and she bakes the better cake.",
        "I had not looked at {t} like that. Could we try it for a *week* and tell each other?",
        "A friend of mine worried about {t} for years. What helped was a *walk* with somebody.",
        "There is room for both here. How do we make {t} easier for whoever comes last?",
        "I am glad that we talk about {t}. I would rather ask one more *question* than win.",
        "We agree on more than it sounds. Leave {t} on the table, and I will fetch the *cake*.",
        "Whatever we decide about {t}, I would like the *quiet* ones to be heard as well.",
        "That made me smile. I once wrote a *letter* about {t} and got three back.",
        "If {t} came to visit, I would offer it the good *armchair* and listen.",
    ),
)
GENERIC = Voice(
    stems=(),
    begin="Somebody has to begin, and I do it {tone}.",
    verdicts=("Yes.", "No.", "That depends."),
    answers=(
        "My view of {t}, in a word: {tone}.",
        "Ask me about {t}, and you get it {tone}, as ordered.",
        "There is more to {t} than one reply, even one that is {tone}.",
        "I have an answer about {t}, and the tone of it is {tone}.",
    ),
    addresses=("I heard you, {who}.", "So you say, {who}.", "Good, {who}.", "A moment, {who}."),
    hand_over="And you, {other}?",
    lines=(
        "Let me say it {tone}: there is more to {t} than we have said.",
        "My tone is {tone}, and my *point* is simple: {t} can wait for a second look.",
        "About {t} I have one thought and a *manner*, {tone}, to say it in.",
        "Picture this in a voice that is {tone}: what if {t} is only the *beginning*?",
        "They wanted me {tone}. So, {tone} or not, I would not leave {t} to *chance*.",
        "Nobody has put in a word for {t} yet. Here is one, {tone}, free of *charge*.",
        "I turn {t} over and find a *label* on the back. It reads: {tone}.",
        "If you hear something {tone} in the next *room*, that is me, thinking about {t}.",
        "On {t} I stand where I stood, a little more {tone}, and nearer to the *door*.",
        "One could be calm about {t}. I prefer {tone}, with an *example* to follow.",
        "Here is the other side of {t}, told {tone}: it has fewer *friends* and better reasons.",
        "I add a single *pebble* to the heap about {t}, and add it in my own way: {tone}.",
    ),
)
# The more particular ones first: a friendly pirate is a pirate.
VOICES = (PIRATE, NOIR, POETIC, SCEPTICAL, GRUMPY, SCHOLARLY, FORMAL, FRIENDLY)
