"""`python -m flashsale_server` is `flash-sale`."""

from flashsale_server.cli import main

if __name__ == "__main__":
    main()
