"""Compositions that HumanEval or MBPP ask for; neither training nor the benchmark contains them."""

PUBLIC = frozenset("""
numbers///sum numbers///prod numbers///max numbers///min numbers///count numbers///uniq numbers///ndist numbers///mean
numbers///cumsum numbers///second numbers///spread numbers///topk numbers///sorted numbers///desc numbers///rev
numbers///first numbers///final numbers///tally numbers/pos//list numbers/neg//list numbers/even//list
numbers/odd//list numbers/once//list numbers/dup//list numbers/gt//list numbers/lt//list numbers/nonzero//list
numbers/div//list numbers/ne//list numbers/once//sum numbers/dup//sum numbers/even//sum numbers/odd//sum
numbers/pos//sum numbers/neg//sum numbers/pos//count numbers/neg//count numbers/even//count numbers/odd//count
numbers/odd//first numbers/even//first numbers/neg//first numbers/even//prod numbers//square/list numbers//square/sum
numbers//cube/list numbers//double/list numbers//plus/list numbers//abs/list numbers//minus/list numbers//times/list
range///sum range///prod range///list range//square/sum range//cube/sum range/even//list range/even//sum
range/odd//sum range/odd/square/sum range/even/square/sum range//square/list range/even//count range/odd//list
range/div//list range/odd/cube/sum range/even/cube/sum digits///sum digits///prod digits///count digits///list
digits///max digits/even//count digits/odd//prod digits/even//sum digits/odd//sum digits///sorted digits///rev
dict_values///sum dict_values///max dict_values///list chars///count chars///ndist chars///tally chars///rev
chars///backward chars///ordered chars///common chars///list chars///uniq chars/upper//count chars/lower//count
chars/vowel//count chars/digit//count chars/alpha//count chars/is//count chars/nvowel//join chars/ndigit//join
chars/isnot//join chars/nspace//join chars/dup//first chars/once//first chars//swap/join chars//upper/join
chars//lower/join chars/upper//sum chars/upper/ord/sum words///count words///list words///longest words///shortest
words///bylen words///sorted words///rev words//back/space words//len/list words/longer//list words/len//list
words/start//list words//title/space words/longer//space words/vstart//list words//len/max words/evenlen//longest
words/evenlen//list rows//head/list rows//tail/list rows//sum/list rows//max/list rows//min/list rows//sum/max
rows//sum/sum rows//max/max rows//min/min rows/has//list rows/hasnot//list dedupe/list/first dedupe/list/sorted
dedupe/len/first adjacent/prod/list adjacent/prod/max adjacent/sum/list adjacent/diff/list zipped/dist/list
zipped/sum/list zipped/prod/list zipped/prod/sum zipped/max/list zipped/diff/list running/max/list running/sum/list
running/prod/list common/id/gcd common/id/lcm brackets/round/bal brackets/angle/bal brackets/round/max
divisors/list/all divisors/sum/all divisors/sum/proper divisors/list/proper divisors/dist/all divisors/max/proper
recurrence/sum/list/0/1 run_length/code run_length/pairs run_length/len interleave/a/list/add pairs/eq/sum/list
pairs/eq/sum/len pairs/eq/sum/any pairs/eq/diff/len windows/sum/max windows/max/list positions/numbers/ne/list
sort_key/dsum/asc/all/stable sort_key/abs/asc/all/stable merge_dicts/sum/dict/all base/2/str chunks/first/list
stride/list/0/2
""".split())
