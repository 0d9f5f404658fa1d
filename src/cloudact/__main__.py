"""`python -m cloudact` is the `cloudact` command."""

from cloudact.cli.app import main

if __name__ == "__main__":
    main()
