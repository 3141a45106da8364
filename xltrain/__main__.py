from xltrain.cli import main

main()
