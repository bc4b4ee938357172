"""JupyterLab and the gateway's pages in a real browser, over the demo's whole stack.

lab         what a person does in JupyterLab, as calls
gateway     what a person does on the gateway's own pages, as calls
conftest    the stack, the browser, its windows
"""
