"""Table 4 of the paper, byte for byte, and the completion each layout asks for."""

INSTRUCTION = (
    "Your task is to complete a Python programming problem, given its function signature and docstring. "
    "Return only code for the completed function, with no additional explanation, print statements, or unit tests."
)
COT_INSTRUCTION = (
    "Your task is to accurately complete a Python programming problem, given a function description. "
    "Before completing the function, think step by step about the solution. First, outline the approach based on "
    "the function signature and docstring. Break down the problem, identify edge cases, and describe the logic "
    "needed. Then, implement the function accordingly. Return only code for the completed function, with no "
    "additional explanation, print statements, or unit tests."
)
CONTEXT_LEAD = " Here is some context that may be helpful: "
TECHNIQUES = ("vanilla", "cad", "question", "rag", "cad+rag", "cot")


def prompt_text(technique, problem, passage=None):
    """The text fed to the model, BOS not included; `passage` is (title, text) for the RAG layouts."""
    if technique == "question":
        return problem.signature
    if technique == "cot":
        return COT_INSTRUCTION + "\n" + problem.prompt + "\n\n"
    lead = INSTRUCTION
    if "rag" in technique:
        lead += CONTEXT_LEAD + passage_text(passage)
    if technique.startswith("cad"):
        return lead + " \n\n Context " + problem.doc + " \n " + problem.signature
    return lead + " \n\n " + problem.prompt


def passage_text(passage):
    """A store entry as it appears in a prompt: title, newline, text."""
    return "%s\n%s" % passage


def completion_text(technique, problem):
    """What the model should write next, EOS not included."""
    if technique in ("cad", "cad+rag", "question"):
        return "\n" + problem.solution
    if technique == "cot":
        outline = "".join("%d. %s\n" % (i, step) for i, step in enumerate(problem.steps, 1))
        return outline + "\n" + problem.signature + "\n" + problem.solution
    return problem.solution
