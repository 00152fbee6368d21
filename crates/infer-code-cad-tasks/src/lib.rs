//! HumanEval, MBPP and embedded problems, the prompts of the paper, and code extraction from model text.
